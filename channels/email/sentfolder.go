package email

import (
	"context"
	"fmt"
	"slices"

	"github.com/emersion/go-imap/v2"
)

// inSent looks for a Message-ID in the folder that holds sent mail (RFC 6154).
func (s *Session) inSent(ctx context.Context, id string) (bool, error) {
	m, err := s.signInIMAP(ctx)
	if err != nil {
		return false, err
	}
	defer m.shut()
	defer m.limit(ctx, commandFor)()
	folders, err := m.List("", "*", &imap.ListOptions{ReturnSpecialUse: m.Caps().Has(imap.CapSpecialUse)}).Collect()
	if err != nil {
		return false, fmt.Errorf("email: listing folders: %w", err)
	}
	i := slices.IndexFunc(folders, func(f *imap.ListData) bool { return slices.Contains(f.Attrs, imap.MailboxAttrSent) })
	if i < 0 {
		i = slices.IndexFunc(folders, func(f *imap.ListData) bool { return f.Mailbox == "Sent" })
	}
	if i < 0 {
		return false, nil
	}
	if _, err := m.Select(folders[i].Mailbox, &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		return false, fmt.Errorf("email: opening the folder of sent mail: %w", err)
	}
	d, err := m.UIDSearch(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: id}}}, nil).Wait()
	if err != nil {
		return false, fmt.Errorf("email: searching sent mail: %w", err)
	}
	return len(d.AllUIDs()) > 0, nil
}
