package mail_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels/email/mail"
)

// Cases 82 and 83, and what else can be wrong with ids.
func TestMessageIDs(t *testing.T) {
	cases := []struct{ name, raw, want string }{
		{"no_message_id", "", ""},
		{"plain", "Message-ID: <a@b>\n", "a@b"},
		{"message_id_two_ats", "Message-ID: <a@b@c>\n", "a@b@c"},
		{"no_angle_brackets", "Message-ID: a@b\n", "a@b"},
		{"spaces_inside", "Message-ID: < a b@c >\n", "a b@c"},
		{"folded", "Message-ID:\n <a@b>\n", "a@b"},
		{"unclosed", "Message-ID: <a@b\n", "a@b"},
		{"no_at", "Message-ID: <abc>\n", "abc"},
		{"empty_then_full", "Message-ID:\nMessage-Id: <a@b>\n", "a@b"},
		{"comment", "Message-ID: <a@b> (added by mx)\n", "a@b"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if m := parse(t, c.raw+from+"\nhi"); m.MessageID != c.want || m.Text != "hi" {
				t.Errorf("%q, want %q", m.MessageID, c.want)
			}
		})
	}
	m := parse(t, "In-Reply-To: Your message of Monday <a@b> <c@d>\nReferences: <1@x>,<2@x>\n <3@x><4@x> 5@x <broken\nReferences: <6@x>\n"+from+"\nhi")
	if !reflect.DeepEqual(m.InReplyTo, []string{"a@b", "c@d"}) || !reflect.DeepEqual(m.References, []string{"1@x", "2@x", "3@x", "4@x", "5@x", "broken", "6@x"}) {
		t.Errorf("%q %q", m.InReplyTo, m.References)
	}
}

func TestAddresses(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"plain", "ann@Example.ORG", "<ann@example.org>"},
		{"named", "Ann Lee <Ann@Example.org>", "Ann Lee <Ann@example.org>"},
		{"quoted_comma", `"Lee, Ann" <a@x.org>, b@x.org`, "Lee, Ann <a@x.org>|<b@x.org>"},
		{"encoded", "=?gb2312?B?1cXI/Q==?= <z@x.org>", "张三 <z@x.org>"},
		{"encoded_in_quotes", `"=?utf-8?B?5byg5LiJ?=" <z@x.org>`, "张三 <z@x.org>"},
		{"raw_gbk_name", "\xd5\xc5\xc8\xfd <z@x.org>", "张三 <z@x.org>"},
		{"comment_as_name", "a@x.org (Ann Lee)", "Ann Lee <a@x.org>"},
		{"group_address", "Team: Ann <a@x.org>, b@x.org;, c@x.org", "Ann <a@x.org>|<b@x.org>|<c@x.org>"},
		{"undisclosed", "undisclosed-recipients:;", ""},
		{"invalid_to", "not an address at all", "not an address at all <>"},
		{"semicolons", "a@x.org; b@x.org", "<a@x.org>|<b@x.org>"},
		{"no_comma_between", "Ann <a@x.org> Bob <b@x.org>", "Ann <a@x.org>|Bob <b@x.org>"},
		{"unclosed_bracket", "Ann <a@x.org", "Ann <a@x.org>"},
		{"unclosed_quote", `"Ann <a@x.org>`, "Ann <a@x.org>"},
		{"name_is_the_address", "a@x.org <a@x.org>", "<a@x.org>"},
		{"single_quotes", "'Ann' <a@x.org>", "Ann <a@x.org>"},
		{"idn", "a@xn--fiqs8s.xn--fiqs8s", "<a@中国.中国>"},
		{"idn_raw", "a@münchen.de", "<a@münchen.de>"},
		{"mailto", "<mailto:a@x.org>", "<a@x.org>"},
		{"route", "<@one.org,@two.org:a@x.org>", "<a@x.org>"},
		{"trailing_dot_and_space", "< a@x.org. >", "<a@x.org>"},
		{"escaped_quotes", `"Ann \"A\" Lee" <a@x.org>`, `Ann "A" Lee <a@x.org>`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := parse(t, "From: x@example.org\nTo: "+c.in+"\n\nhi")
			var got []string
			for _, a := range m.To {
				got = append(got, strings.TrimSpace(a.Name+" <"+a.Address+">"))
			}
			if s := strings.Join(got, "|"); s != c.want {
				t.Errorf("%q, want %q", s, c.want)
			}
		})
	}
}

// A body in UTF-7 or UTF-16 says nothing about plus signs in addresses.
func TestCharsetOfTheBodyStaysThere(t *testing.T) {
	for _, label := range []string{"utf-7", "utf-16", "iso-2022-jp", "hz-gb-2312"} {
		m := parse(t, "From: Ann +AGE- <a+b@x.org>\nSubject: 1 +AGE- 2 ~{x\nContent-Type: text/plain; charset="+label+"\n\nhi")
		if m.From != (mail.Address{Name: "Ann +AGE-", Address: "a+b@x.org"}) || m.Subject != "1 +AGE- 2 ~{x" {
			t.Errorf("%s: %+v %q", label, m.From, m.Subject)
		}
	}
}

func TestRecipients(t *testing.T) {
	m := parse(t, "Delivered-To: support+c.1.mac@example.com\nX-Original-To: Support+c.1.mac@Example.com\nDelivered-To: other@example.com\nX-Envelope-To: <third@example.com>\n"+from+"\nhi")
	if got := strings.Join(m.Recipients, " "); got != "support+c.1.mac@example.com other@example.com third@example.com" {
		t.Error(got)
	}
}

// Case 107: a mail is kept whatever its header lacks.
func TestHeaderDamage(t *testing.T) {
	cases := []struct {
		name, raw string
		year      int
		problem   string
	}{
		{"no_from", "To: a@x.org\nDate: Mon, 02 Mar 2026 10:00:00 +0000\n\nhi", 2026, "who sent it"},
		{"no_date", "From: a@x.org\n\nhi", 1, "date"},
		{"absurd_date", "From: a@x.org\nDate: Mon, 02 Mar 0001 10:00:00 +0000\n\nhi", 1, "date"},
		{"date_of_words", "From: a@x.org\nDate: yesterday\n\nhi", 1, "date"},
		{"future_date", "From: a@x.org\nDate: Mon, 02 Mar 2099 10:00:00 +0000\n\nhi", 2099, ""},
		{"date_iso", "From: a@x.org\nDate: 2026-03-02T10:00:00Z\n\nhi", 2026, ""},
		{"date_with_comment", "From: a@x.org\nDate: Mon, 2 Mar 2026 10:00:00 +0800 (China Standard Time)\n\nhi", 2026, ""},
		{"mbox_from_line", "From ann@x.org Mon Mar  2 10:00:00 2026\nFrom: a@x.org\nDate: Mon, 02 Mar 2026 10:00:00 +0000\n\nhi", 2026, "mailbox file"},
		{"leading_blank_lines", "\n\n \nFrom: a@x.org\nDate: Mon, 02 Mar 2026 10:00:00 +0000\n\nhi", 2026, ""},
		{"unindented_continuation", "From: a@x.org\nSubject: a long\nsubject line\nDate: Mon, 02 Mar 2026 10:00:00 +0000\n\nhi", 2026, "damaged"},
		{"space_before_colon", "From : a@x.org\nDate : Mon, 02 Mar 2026 10:00:00 +0000\n\nhi", 2026, ""},
		{"nul_in_header", "From: a@x\x00.org\nDate: Mon, 02 Mar 2026 10:00:00 +0000\n\nhi\x00", 2026, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := parse(t, c.raw)
			if m.Date.Year() != c.year || m.Text != "hi" || (c.name != "no_from" && m.From.Address != "a@x.org") {
				t.Errorf("%v %q %q", m.Date, m.Text, m.From)
			}
			if all := strings.Join(m.Problems, "; "); c.problem == "" && all != "" || !strings.Contains(all, c.problem) {
				t.Errorf("problems: %q", all)
			}
		})
	}
	t.Run("bare_carriage_returns", func(t *testing.T) {
		m, err := mail.Parse([]byte("From: a@x.org\rSubject: s\r\rhi\rthere"))
		if err != nil || m.Subject != "s" || m.Text != "hi\nthere" {
			t.Errorf("%q %q %v", m.Subject, m.Text, err)
		}
	})
	t.Run("words_alone", func(t *testing.T) {
		m, err := mail.Parse([]byte("no header here, only words\nand more"))
		if err != nil || m.Text != "no header here, only words\nand more" {
			t.Errorf("%q %v", m.Text, err)
		}
	})
	t.Run("empty", func(t *testing.T) {
		for _, raw := range []string{"", "\r\n\r\n", "\x00"} {
			if m, err := mail.Parse([]byte(raw)); !errors.Is(err, mail.ErrEmpty) || m == nil {
				t.Errorf("%q: %v", raw, err)
			}
		}
	})
}

func TestHeaderAccess(t *testing.T) {
	m := parse(t, "X-Tag: one\nx-tag: =?utf-8?Q?zw=C3=B6lf?=\nX-Empty:\n"+from+"\nhi")
	if got := m.Header.Values("X-TAG"); !reflect.DeepEqual(got, []string{"one", "zwölf"}) {
		t.Errorf("%q", got)
	}
	if m.Header.Get("x-tag") != "one" || !m.Header.Has("X-Empty") || m.Header.Has("X-None") || m.Header.Names()[0] != "x-tag" {
		t.Error("header access")
	}
}
