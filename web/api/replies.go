package api

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/inbox/replies"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// ReplyInput is a saved reply; with change it is a macro.
type ReplyInput struct {
	Title    string                  `json:"title" minLength:"1" maxLength:"120"`
	Shortcut string                  `json:"shortcut,omitempty" maxLength:"40" doc:"What is typed after the slash: letters, digits, - and _."`
	Folder   string                  `json:"folder,omitempty" maxLength:"120" doc:"Folders are parted by slashes."`
	Share    string                  `json:"share,omitempty" enum:",own,team,all" doc:"Empty: own. Others need reply.share."`
	Team     timeline.TeamID         `json:"team,omitempty" maxLength:"64" doc:"With share team."`
	Texts    map[string]ReplyContent `json:"texts,omitempty" doc:"By language, such as en or zh-CN."`
	Parts    []PartInput             `json:"parts,omitempty" maxItems:"20"`
	Note     bool                    `json:"note,omitempty" doc:"For colleagues only."`
	Change   *ChangeInput            `json:"change,omitempty" doc:"What a macro does to the conversation beside."`
	Snooze   string                  `json:"snooze,omitempty" maxLength:"20" doc:"With change.state snoozed: for how long from when it is used, such as 2d. Empty: until the person writes."`
}

// ReplyContent is what a saved reply says in one language.
type ReplyContent struct {
	Text string `json:"text" maxLength:"20000" doc:"With variables such as {{person.firstName|there}}."`
	HTML string `json:"html,omitempty" maxLength:"100000"`
}

// Reply is a saved reply.
type Reply struct {
	ID string `json:"id"`
	ReplyInput
	Owner     timeline.AgentID `json:"owner"`
	Uses      int64            `json:"uses"`
	LastUsed  *time.Time       `json:"lastUsed,omitempty"`
	UpdatedAt time.Time        `json:"updatedAt"`
	Mine      bool             `json:"mine" doc:"I may change it."`
}

// ReplyList is every saved reply that an agent may use.
type ReplyList struct {
	Replies   []Reply  `json:"replies"`
	Variables []string `json:"variables" doc:"What texts may hold, beside person.attributes.NAME and cursor."`
}

// FillInput asks what a saved reply says in a conversation.
type FillInput struct {
	Conversation timeline.ConversationID `json:"conversation" minLength:"1" maxLength:"64"`
	Language     string                  `json:"language,omitempty" maxLength:"20" doc:"Empty, or one it does not have: the person's, English, or the first."`
	Use          bool                    `json:"use,omitempty" doc:"It is put to use now: count it."`
}

// FilledReply is a saved reply as it would be said, and what would happen beside.
type FilledReply struct {
	Language string          `json:"language"`
	Text     string          `json:"text"`
	HTML     string          `json:"html,omitempty"`
	Cursor   int             `json:"cursor" doc:"Where to go on writing, in UTF-16 code units of text; -1: at the end."`
	Missing  []string        `json:"missing" doc:"Variables that have no value here: look before sending."`
	Parts    []timeline.Part `json:"parts"`
	Note     bool            `json:"note"`
	Change   *ChangeInput    `json:"change,omitempty" doc:"What to send to the conversation: only what is not so already."`
	Effects  []Effect        `json:"effects" doc:"The same for people."`
}

// Effect is one thing that a macro changes.
type Effect struct {
	Field string `json:"field" enum:"state,snoozeUntil,assignee,team,addLabels,removeLabels,priority,subject"`
	From  string `json:"from"`
	To    string `json:"to"`
}

type replyDoc struct {
	ID        string           `json:"id" bson:"_id"`
	Reply     ReplyInput       `json:"reply"`
	Owner     timeline.AgentID `json:"owner"`
	Uses      int64            `json:"uses"`
	LastUsed  *time.Time       `json:"lastUsed,omitempty"`
	UpdatedAt time.Time        `json:"updatedAt"`
}

type saveReplyInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body ReplyInput
}

type fillInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body FillInput
}

var shortcut = regexp.MustCompile(`^[\p{L}\p{N}_-]*$`)

func (s *Server) replyRoutes() {
	open := timeline.Snoozed
	in := ReplyInput{Title: "Parcel is late", Shortcut: "late", Folder: "Delivery", Share: shareAll, Change: &ChangeInput{State: &open}, Snooze: "2d",
		Texts: map[string]ReplyContent{"en": {Text: "Hello {{person.firstName|there}}, I am sorry that your parcel is late."}}}
	out := Reply{ID: exampleID, ReplyInput: in, Owner: exampleID, Uses: 41, UpdatedAt: exampleTime, Mine: true}
	register(s, Route{ID: "list-replies", Method: http.MethodGet, Path: "/api/replies", Tag: "replies", Access: Needs(auth.ConversationRead),
		Summary: "Saved replies and macros that I may use", Out: ReplyList{Replies: []Reply{out}, Variables: replies.Names}}, s.listReplies)
	register(s, Route{ID: "create-reply", Method: http.MethodPost, Path: "/api/replies", Tag: "replies", Access: Needs(auth.ConversationReply), Status: 201,
		Replays: true, Errors: []int{409}, Summary: "Save a reply or a macro", In: in, Out: out}, s.createReply)
	register(s, Route{ID: "change-reply", Method: http.MethodPut, Path: "/api/replies/{id}", Tag: "replies", Access: Needs(auth.ConversationReply),
		Errors: []int{409}, Summary: "Change a saved reply", In: in, Out: out}, s.changeReply)
	register(s, Route{ID: "remove-reply", Method: http.MethodDelete, Path: "/api/replies/{id}", Tag: "replies", Access: Needs(auth.ConversationReply), Status: 204,
		Summary: "Remove a saved reply"}, s.removeReply)
	register(s, Route{ID: "fill-reply", Method: http.MethodPost, Path: "/api/replies/{id}/fill", Tag: "replies", Access: Needs(auth.ConversationRead),
		Summary: "What it says in a conversation, and what it does there", Help: "Nothing is sent or changed.",
		In: FillInput{Conversation: exampleID, Use: true}, Out: FilledReply{Language: "en", Text: "Hello Maya, I am sorry that your parcel is late.", Cursor: -1,
			Missing: []string{}, Parts: []timeline.Part{}, Effects: []Effect{{Field: "state", From: "open", To: "snoozed"}}}}, s.fillReply)
}

func (d *replyDoc) view(p *auth.Principal) Reply {
	return Reply{ID: d.ID, ReplyInput: d.Reply, Owner: d.Owner, Uses: d.Uses, LastUsed: d.LastUsed, UpdatedAt: d.UpdatedAt,
		Mine: d.Reply.Share == shareOwn && d.Owner == p.Agent || d.Reply.Share != shareOwn && p.Has(auth.ReplyShare)}
}

func (s *Server) replyDocs(ctx context.Context, p *auth.Principal) ([]replyDoc, error) {
	var all []replyDoc
	err := s.Store.C(store.Replies).All(ctx, bson.D{}, &all)
	return slices.DeleteFunc(all, func(d replyDoc) bool { return !shared(p, d.Reply.Share, d.Owner, d.Reply.Team) }), err
}

func (s *Server) listReplies(ctx context.Context, _ *struct{}) (*body[ReplyList], error) {
	p := callerOf(ctx).Principal
	docs, err := s.replyDocs(ctx, p)
	out := ReplyList{Replies: []Reply{}, Variables: replies.Names}
	for i := range docs {
		out.Replies = append(out.Replies, docs[i].view(p))
	}
	slices.SortStableFunc(out.Replies, func(a, b Reply) int {
		return strings.Compare(strings.ToLower(a.Folder+"/"+a.Title), strings.ToLower(b.Folder+"/"+b.Title))
	})
	return &body[ReplyList]{out}, err
}

func (s *Server) checkReply(ctx context.Context, p *auth.Principal, id string, b *ReplyInput) error {
	if b.Share == "" {
		b.Share = shareOwn
	}
	if b.Title = strings.TrimSpace(b.Title); b.Title == "" {
		return invalid("title", "must not be empty")
	}
	if !shortcut.MatchString(b.Shortcut) {
		return invalid("shortcut", "use letters, digits, - and _")
	}
	if len(b.Texts) == 0 && len(b.Parts) == 0 && b.Change == nil {
		return invalid("texts", "write something, attach a file, or say what it changes")
	}
	for lang, c := range b.Texts {
		if unknown := replies.Unknown(c.Text + c.HTML); len(unknown) > 0 {
			return invalid("texts."+lang, "there is no variable "+strings.Join(unknown, ", "))
		}
		c.HTML = harmless(c.HTML)
		b.Texts[lang] = c
	}
	if err := s.checkMacro(ctx, p, b); err != nil {
		return err
	}
	if err := s.mayShare(ctx, p, auth.ReplyShare, b.Share, b.Team); err != nil {
		return err
	}
	docs, err := s.replyDocs(ctx, p)
	if err != nil {
		return err
	}
	taken := b.Shortcut != "" && slices.ContainsFunc(docs, func(d replyDoc) bool { return d.ID != id && strings.EqualFold(d.Reply.Shortcut, b.Shortcut) })
	if taken {
		return problem("conflict", "Another saved reply has the shortcut /"+b.Shortcut+".")
	}
	return nil
}

func (s *Server) checkMacro(ctx context.Context, p *auth.Principal, b *ReplyInput) error {
	for i, part := range b.Parts {
		if _, err := s.part(ctx, part.File); err != nil {
			return invalid("parts["+strconv.Itoa(i)+"].file", "there is no such file; upload it first")
		}
	}
	if b.Snooze != "" && (b.Change == nil || b.Change.State == nil || *b.Change.State != timeline.Snoozed) {
		return invalid("snooze", "belongs to the state snoozed")
	}
	if _, err := snoozeFor(b.Snooze); err != nil {
		return err
	}
	if b.Change == nil {
		return nil
	}
	if b.Change.SnoozeUntil != nil || b.Change.IfAssignee != nil {
		return invalid("change", "a macro snoozes for a time: use snooze; and it has no ifAssignee")
	}
	if err := mayChange(p, *b.Change); err != nil {
		return err
	}
	_, err := s.changes(ctx, &timeline.Conversation{}, *b.Change, "probe")
	return err
}

// snoozeFor reads a length such as 30m, 4h or 2d; 0 where there is none.
func snoozeFor(v string) (time.Duration, error) {
	if v == "" {
		return 0, nil
	}
	unit := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[v[len(v)-1]]
	n, err := strconv.Atoi(v[:len(v)-1])
	if err != nil || unit == 0 || n < 1 || n > 10_000 {
		return 0, invalid("snooze", "use a number with m, h, d or w, such as 4h or 2d")
	}
	return time.Duration(n) * unit, nil
}

func (s *Server) createReply(ctx context.Context, in *body[ReplyInput]) (*body[Reply], error) {
	p, b := callerOf(ctx).Principal, in.Body
	if err := s.checkReply(ctx, p, "", &b); err != nil {
		return nil, err
	}
	d := replyDoc{ID: s.newID(), Reply: b, Owner: p.Agent, UpdatedAt: s.now()}
	if err := s.Store.C(store.Replies).Insert(ctx, d); err != nil {
		return nil, err
	}
	return &body[Reply]{d.view(p)}, s.audit(ctx, "reply.create", d.ID, map[string]string{"share": b.Share})
}

func (s *Server) replyDoc(ctx context.Context, id string, change bool) (*replyDoc, error) {
	p := callerOf(ctx).Principal
	var d replyDoc
	err := s.Store.C(store.Replies).One(ctx, bson.D{{Key: "_id", Value: id}}, &d)
	if err == nil && !shared(p, d.Reply.Share, d.Owner, d.Reply.Team) {
		err = store.ErrNotFound
	}
	if err == nil && change && !d.view(p).Mine {
		err = problem("forbidden", "This needs the permission "+string(auth.ReplyShare)+". Ask an administrator for it.")
	}
	return &d, err
}

func (s *Server) changeReply(ctx context.Context, in *saveReplyInput) (*body[Reply], error) {
	p, b := callerOf(ctx).Principal, in.Body
	d, err := s.replyDoc(ctx, in.ID, true)
	if err != nil {
		return nil, err
	}
	if err := s.checkReply(ctx, p, in.ID, &b); err != nil {
		return nil, err
	}
	err = s.Store.C(store.Replies).Modify(ctx, bson.D{{Key: "_id", Value: in.ID}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "reply", Value: b}, {Key: "updatedAt", Value: s.now()}}}}, false, d)
	if err != nil {
		return nil, err
	}
	return &body[Reply]{d.view(p)}, s.audit(ctx, "reply.update", d.ID, map[string]string{"share": b.Share})
}

func (s *Server) removeReply(ctx context.Context, in *idInput) (*nothing, error) {
	if _, err := s.replyDoc(ctx, in.ID, true); err != nil {
		return nil, err
	}
	if _, err := s.Store.C(store.Replies).Delete(ctx, bson.D{{Key: "_id", Value: in.ID}}); err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, "reply.remove", in.ID, nil)
}

func (s *Server) fillReply(ctx context.Context, in *fillInput) (*body[FilledReply], error) {
	who := callerOf(ctx)
	d, err := s.replyDoc(ctx, in.ID, false)
	if err != nil {
		return nil, err
	}
	c, err := s.visible(ctx, string(in.Body.Conversation))
	if err != nil {
		return nil, err
	}
	f := replies.Facts{Conversation: c, Agent: who.Name, Email: who.Email}
	if who.Has(auth.PersonRead) {
		if f.Person, f.Identities, err = s.person(ctx, c.Person); err != nil {
			return nil, err
		}
	}
	if t, err := s.Auth.Team(ctx, c.Team); err == nil {
		f.Team = t.Name
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	lang := language(d.Reply.Texts, in.Body.Language, f.Person)
	text := replies.Fill(d.Reply.Texts[lang].Text, d.Reply.Texts[lang].HTML, f)
	out := FilledReply{Language: lang, Text: text.Text, HTML: text.HTML, Cursor: text.Cursor, Missing: append([]string{}, text.Missing...),
		Parts: []timeline.Part{}, Note: d.Reply.Note, Effects: []Effect{}}
	for _, p := range d.Reply.Parts {
		if part, err := s.part(ctx, p.File); err == nil {
			out.Parts = append(out.Parts, part)
		} else {
			out.Missing = append(out.Missing, "file")
		}
	}
	s.effects(&out, d, c, who.Agent)
	if in.Body.Use {
		_, err = s.Store.C(store.Replies).Update(ctx, bson.D{{Key: "_id", Value: d.ID}},
			bson.D{{Key: "$inc", Value: bson.D{{Key: "uses", Value: int64(1)}}}, {Key: "$set", Value: bson.D{{Key: "lastUsed", Value: s.now()}}}})
	}
	return &body[FilledReply]{out}, err
}

// language is the one to use: that asked for, the person's, English, or the first.
func language(texts map[string]ReplyContent, asked string, p *timeline.Person) string {
	try := []string{asked}
	if p != nil {
		try = append(try, p.Profile.Locale)
	}
	var have []string
	for l := range texts {
		have = append(have, l)
	}
	slices.Sort(have)
	for _, want := range append(try, "en") {
		base, _, _ := strings.Cut(strings.ReplaceAll(want, "_", "-"), "-")
		for _, same := range []func(string) bool{
			func(l string) bool { return strings.EqualFold(l, want) },
			func(l string) bool { b, _, _ := strings.Cut(l, "-"); return base != "" && strings.EqualFold(b, base) },
		} {
			if i := slices.IndexFunc(have, same); i >= 0 {
				return have[i]
			}
		}
	}
	if len(have) > 0 {
		return have[0]
	}
	return ""
}

// effects says what a macro would change in a conversation.
func (s *Server) effects(out *FilledReply, d *replyDoc, c *timeline.Conversation, me timeline.AgentID) {
	if d.Reply.Change == nil {
		return
	}
	b := *d.Reply.Change
	if b.Assignee != nil && *b.Assignee == "me" {
		b.Assignee = &me
	}
	if length, err := snoozeFor(d.Reply.Snooze); err == nil && length > 0 {
		until := s.now().Add(length)
		b.SnoozeUntil = &until
	}
	b = b.needed(c)
	add := func(field, from, to string) { out.Effects = append(out.Effects, Effect{field, from, to}) }
	if b.State != nil {
		add("state", string(c.State), string(*b.State))
	}
	if b.SnoozeUntil != nil {
		add("snoozeUntil", "", b.SnoozeUntil.Format(time.RFC3339))
	}
	if b.Assignee != nil {
		add("assignee", string(c.Assignee), string(*b.Assignee))
	}
	if b.Team != nil {
		add("team", string(c.Team), string(*b.Team))
	}
	if len(b.AddLabels) > 0 {
		add("addLabels", "", join(b.AddLabels))
	}
	if len(b.RemoveLabels) > 0 {
		add("removeLabels", join(b.RemoveLabels), "")
	}
	if b.Priority != nil {
		add("priority", strconv.Itoa(c.Priority), strconv.Itoa(*b.Priority))
	}
	if b.Subject != nil {
		add("subject", c.Subject, *b.Subject)
	}
	if len(out.Effects) > 0 {
		out.Change = &b
	}
}
