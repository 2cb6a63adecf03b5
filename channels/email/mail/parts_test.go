package mail_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels/email/mail"
)

// parse reads a mail written with \n.
func parse(t *testing.T, raw string) *mail.Mail {
	t.Helper()
	m, err := mail.Parse([]byte(strings.ReplaceAll(raw, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	checkMail(t, t.Name(), m)
	return m
}

const from = "From: Ann <ann@example.org>\nTo: support@example.com\nSubject: x\nDate: Mon, 02 Mar 2026 10:00:00 +0000\n"

// Case 102: there is always something to read.
func TestBodies(t *testing.T) {
	alt := func(parts ...string) string {
		return from + "Content-Type: multipart/alternative; boundary=a\n\n--a\n" + strings.Join(parts, "\n--a\n") + "\n--a--\n"
	}
	cases := []struct {
		name, raw, text, html string
		derived               bool
	}{
		{"html_only", from + "Content-Type: text/html\n\n<style>p{}</style><p>Hello&nbsp;<b>there</b></p><p>Bye", "Hello\u00a0there\n\nBye", "<style>p{}</style><p>Hello&nbsp;<b>there</b></p><p>Bye", true},
		{"text_part_empty", alt("Content-Type: text/plain\n\n \n", "Content-Type: text/html\n\n<p>Hello"), "Hello", "<p>Hello", true},
		{"html_part_empty", alt("Content-Type: text/plain\n\nHello", "Content-Type: text/html\n\n"), "Hello", "", false},
		{"alternative", alt("Content-Type: text/plain\n\nplain", "Content-Type: text/html\n\n<p>rich"), "plain", "<p>rich", false},
		{"alternative_with_html_in_mixed", alt("Content-Type: text/plain\n\nplain", "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/html\n\n<p>rich\n--m\nContent-Type: application/pdf; name=a.pdf\n\nx\n--m--"), "plain", "<p>rich", false},
		{"mixed_of_texts", from + "Content-Type: multipart/mixed; boundary=m\n\n--m\n\none\n--m\nContent-Type: text/plain\n\ntwo\n--m--\n", "one\n\ntwo", "", false},
		{"mixed_of_html_and_footer", from + "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/html\n\n<p>one</p>\n--m\nContent-Type: text/plain\n\na < b\n--m--\n", "one\n\na < b", "<p>one</p>\n<div style=\"white-space:pre-wrap\">a &lt; b</div>\n", false},
		{"orphan_closing_a", from + "Content-Type: text/html\n\nHello</a> there</div>", "Hello there", "Hello</a> there</div>", true},
		{"no_content_type", from + "\nHello", "Hello", "", false},
		{"nonsense_content_type", from + "Content-Type: text\n\nHello", "Hello", "", false},
		{"bare_line_feeds_and_no_blank_line", from + "this is no header\nHello", "this is no header\nHello", "", false},
		{"multipart_without_boundary", from + "Content-Type: multipart/mixed\n\nHello", "Hello", "", false},
		{"multipart_with_other_boundary", from + "Content-Type: multipart/mixed; boundary=x\n\n--y\nContent-Type: text/plain\n\nHello\n--y--\n", "Hello", "", false},
		{"closing_boundary_missing", from + "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nHello", "Hello", "", false},
		{"base64_that_is_none", from + "Content-Transfer-Encoding: base64\n\nHello there, friend. This is no base64.", "Hello there, friend. This is no base64.", "", false},
		{"base64_with_spaces_and_rubbish", from + "Content-Transfer-Encoding: base64\n\nSGVsbG8gdGhlcmUsI\nGhvdyBhcmUgeW91P!w==", "Hello there, how are you?", "", false},
		{"quoted_printable_with_bad_escapes", from + "Content-Transfer-Encoding: quoted-printable\n\n100 =\n% =ZZ =C3=A9", "100 % =ZZ é", "", false},
		{"unknown_transfer_encoding", from + "Content-Transfer-Encoding: magic\n\nHello", "Hello", "", false},
		{"flowed", from + "Content-Type: text/plain; format=flowed\n\nThis goes \non.\n> quoted \n> too\nnot\n-- \nAnn", "This goes on.\n> quoted too\nnot\n-- \nAnn", "", false},
		{"flowed_delsp", from + "Content-Type: text/plain; format=flowed; delsp=yes\n\n订单 \n号码\n>> a \n>> b\n From", "订单号码\n>> ab\nFrom", "", false},
		{"only_around_the_parts", from + "Content-Type: multipart/mixed; boundary=x\n\nHello from before MIME\n--x\n--x--\n", "Hello from before MIME", "", false},
		{"html_charset_in_meta", from + "Content-Type: text/html\n\n<meta charset=\"gbk\"><p>\xc4\xe3\xba\xc3", "你好", "<meta charset=\"gbk\"><p>你好", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := parse(t, c.raw)
			if strings.TrimRight(m.Text, "\n") != c.text || strings.TrimRight(m.HTML, "\n") != strings.TrimRight(c.html, "\n") || m.Derived != c.derived {
				t.Errorf("text %q want %q\nhtml %q want %q\nderived %v %v", m.Text, c.text, m.HTML, c.html, m.Derived, m.Problems)
			}
		})
	}
}

// Case 103: every picture and file is found again, by the HTML or in the list.
func TestInline(t *testing.T) {
	related := func(html string, parts ...string) string {
		return from + "Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n" + html + "\n--r\n" + strings.Join(parts, "\n--r\n") + "\n--r--\n"
	}
	cases := []struct {
		name, raw, ref string
		index          int
		ok             bool
		files          string // name, with * where inline
	}{
		{"inline_with_cid", related(`<img src="cid:a@b">`, "Content-Type: image/png; name=a.png\nContent-ID: <a@b>\nContent-Disposition: inline\n\nx"), "cid:a@b", 0, true, "a.png*"},
		{"inline_no_cid", related(`words`, "Content-Type: image/png; name=a.png\nContent-Disposition: inline\n\nx"), "cid:other", 0, false, "a.png*"},
		{"inline_no_disposition", related(`<img src=cid:a>`, "Content-Type: image/png\nContent-ID: <a>\n\nx"), "a", 0, true, "image.png*"},
		{"attachment_that_is_shown", related(`<img src='cid:a'>`, "Content-Type: image/png\nContent-ID: <a>\nContent-Disposition: attachment\n\nx"), "cid:a", 0, true, "image.png*"},
		{"cid_uppercase", related(`<img src="CID:IMG001@X">`, "Content-Type: image/png\nContent-ID: <img001@x>\n\nx"), "CID:IMG001@X", 0, true, "image.png*"},
		{"cid_percent_encoded", related(`<img src="cid:percent%40encoded">`, "Content-Type: image/png\nContent-ID: <percent@encoded>\n\nx"), "cid:percent%40encoded", 0, true, "image.png*"},
		{"inline_pdf", related(`words`, "Content-Type: application/pdf; name=a.pdf\nContent-Disposition: inline\n\nx"), "cid:a", 0, false, "a.pdf"},
		{"2_inline_same_name", related(`<img src="cid:2">`, "Content-Type: image/png; name=image.png\nContent-ID: <1>\n\nx", "Content-Type: image/png; name=image.png\nContent-ID: <2>\n\ny"), "cid:2", 1, true, "image.png* image (2).png*"},
		{"by_name", related(`<img src="cid:logo.png">`, "Content-Type: image/png; name=logo.png\n\nx"), "cid:logo.png", 0, true, "logo.png*"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := parse(t, c.raw)
			i, ok := m.CID(c.ref)
			if ok != c.ok || i != c.index {
				t.Errorf("CID(%q) = %d, %v", c.ref, i, ok)
			}
			if got := fileList(m); got != c.files {
				t.Errorf("files %q want %q", got, c.files)
			}
		})
	}
}

func fileList(m *mail.Mail) string {
	var out []string
	for _, a := range m.Attachments {
		s := a.Name
		if a.Inline {
			s += "*"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

// Case 104: names are safe and unlike one another.
func TestFileNames(t *testing.T) {
	long := strings.Repeat("很长的名字", 60)
	cases := []struct{ name, params, typ, want string }{
		{"empty_filename", `filename=""`, "image/png", "image.png"},
		{"no_name_pdf", ``, "application/pdf", "attachment.pdf"},
		{"no_name_unknown", ``, "application/x-thing", "attachment.bin"},
		{"rfc2047", `filename="=?utf-8?B?5Y+R56WoLnBkZg==?="`, "application/pdf", "发票.pdf"},
		{"rfc2231", `filename*=UTF-8''%E5%8F%91%E7%A5%A8.pdf`, "application/pdf", "发票.pdf"},
		{"rfc2231_gbk", `filename*=GBK''%B7%A2%C6%B1.pdf`, "application/pdf", "发票.pdf"},
		{"rfc2231_continuations", "filename*0*=utf-8''%E5%8F; filename*1*=%91%E7%A5; filename*2*=%A8; filename*3=\".pdf\"", "application/pdf", "发票.pdf"},
		{"raw_gbk", "filename=\"\xb7\xa2\xc6\xb1\xc3\xf7\xcf\xb8.pdf\"", "application/pdf", "发票明细.pdf"},
		{"path_traversal", `filename="../../etc/passwd"`, "text/plain", "passwd"},
		{"windows_path", `filename="C:\Users\ann\report.doc"`, "application/msword", "report.doc"},
		{"slash_that_is_no_path", `filename="invoice 1/2.pdf"`, "application/pdf", "invoice 1_2.pdf"},
		{"device", `filename="CON.txt"`, "text/plain", "_CON.txt"},
		{"device_lower", `filename="lpt1"`, "text/plain", "_lpt1"},
		{"right_to_left_override", "filename=\"invoice\u202efdp.exe\"", "application/pdf", "invoicefdp.exe"},
		{"control_characters", "filename=\"a\x07\tb.txt\"", "text/plain", "a b.txt"},
		{"unquoted_with_spaces", `filename=my report.pdf`, "application/pdf", "my report.pdf"},
		{"missing_quote", `filename="report.pdf`, "application/pdf", "report.pdf"},
		{"dots", `filename="..."`, "application/pdf", "attachment.pdf"},
		{"hidden", `filename=".htaccess"`, "text/plain", "htaccess"},
		{"forbidden_characters", `filename="a<b>:c|d?.txt"`, "text/plain", "a_b__c_d_.txt"},
		{"tnef", ``, "application/ms-tnef", "winmail.dat"},
		{"smime", `filename=smime.p7m`, "application/pkcs7-mime", "smime.p7m"},
		{"pgp", ``, "application/pgp-signature", "signature.asc"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := parse(t, from+"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n--b\nContent-Type: "+c.typ+"\nContent-Disposition: attachment; "+c.params+"\n\ndata\n--b--\n")
			if len(m.Attachments) != 1 || m.Attachments[0].Name != c.want || string(m.Attachments[0].Data) != "data" {
				t.Errorf("%q, want %q", fileList(m), c.want)
			}
		})
	}
	t.Run("300_char_name", func(t *testing.T) {
		got := mail.SafeName(long+".pdf", "application/pdf")
		if n := utf8.RuneCountInString(got); n > 120 || len(got) > 255 || !strings.HasSuffix(got, ".pdf") || !strings.HasPrefix(got, "很长的名字") {
			t.Errorf("%d characters, %d bytes: %s", n, len(got), got)
		}
	})
	t.Run("unique", func(t *testing.T) {
		var parts string
		for _, n := range []string{"a.png", "A.PNG", "a.png", "a (2).png"} {
			parts += fmt.Sprintf("--b\nContent-Type: image/png; name=%q\n\nx\n", n)
		}
		m := parse(t, from+"Content-Type: multipart/mixed; boundary=b\n\n"+parts+"--b--\n")
		if got := fileList(m); got != "a.png A (2).PNG a (3).png a (2) (2).png" {
			t.Error(got)
		}
	})
}

func TestForwardedAndSigned(t *testing.T) {
	m := parse(t, from+"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee below\n--b\nContent-Type: message/rfc822\n\nSubject: =?utf-8?B?5Y+R56Wo?= for you\nContent-Type: text/plain\n\ninner words\n--b--\n")
	if m.Text != "see below" || fileList(m) != "发票 for you.eml" || !strings.Contains(string(m.Attachments[0].Data), "inner words") {
		t.Errorf("%q %q", m.Text, fileList(m))
	}
	m = parse(t, from+"Content-Type: multipart/signed; boundary=b; protocol=\"application/pkcs7-signature\"\n\n--b\n\nsigned words\n--b\nContent-Type: application/pkcs7-signature; name=smime.p7s\n\nx\n--b--\n")
	if m.Text != "signed words" || fileList(m) != "smime.p7s" {
		t.Errorf("%q %q", m.Text, fileList(m))
	}
	m = parse(t, from+"Content-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream; name=encrypted.asc\n\n-----BEGIN PGP MESSAGE-----\n--b--\n")
	if fileList(m) != "attachment.asc encrypted.asc" {
		t.Error(fileList(m))
	}
	m = parse(t, from+"\nHello\nbegin 644 a.txt\n#0V%T\n`\nend\nBye")
	if m.Text != "Hello\nBye" || fileList(m) != "a.txt" || string(m.Attachments[0].Data) != "Cat" {
		t.Errorf("%q %q", m.Text, fileList(m))
	}
}

func TestCalendar(t *testing.T) {
	m := parse(t, from+"Content-Type: multipart/alternative; boundary=b\n\n--b\n\nPlease come\n--b\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\n\n"+
		"BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VTIMEZONE\nTZID:China Standard Time\nBEGIN:STANDARD\nDTSTART:16010101T000000\nEND:STANDARD\nEND:VTIMEZONE\n"+
		"BEGIN:VEVENT\nUID:1@x\nSUMMARY:Demo\\, part 1 and a\n  long line\nDTSTART;TZID=China Standard Time:20260801T100000\nDURATION:PT1H30M\nLOCATION:Room 1\\; left\n"+
		"ORGANIZER;CN=\"Li: Lei\":mailto:li@Example.CN\nBEGIN:VALARM\nDESCRIPTION:x\nSUMMARY:alarm\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n--b--\n")
	c := m.Calendar
	if c == nil || c.Method != "REQUEST" || c.UID != "1@x" || c.Summary != "Demo, part 1 and a long line" || c.Location != "Room 1; left" || c.Organizer != (mail.Address{Name: "Li: Lei", Address: "li@example.cn"}) {
		t.Fatalf("%+v", c)
	}
	if !c.Start.Equal(time.Date(2026, 8, 1, 2, 0, 0, 0, time.UTC)) || c.End.Sub(c.Start) != 90*time.Minute || c.Floating {
		t.Errorf("%v to %v", c.Start, c.End)
	}
	if m.Text != "Please come" || fileList(m) != "invite.ics" {
		t.Errorf("%q %q", m.Text, fileList(m))
	}
}
