package mail_test

import (
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels/email/mail"
)

// Case 98, detection: what machines write is known as such, what people write is not.
func TestAutomation(t *testing.T) {
	subject := func(s string) string { return "Subject: " + s + "\nFrom: ann@example.org\n" }
	person := "From: Ann <ann@example.org>\nSubject: my order\n"
	cases := []struct {
		name, head string
		class      mail.Class
		suppress   bool
	}{
		{"person", person, mail.AutoNone, false},
		{"auto_replied", person + "Auto-Submitted: auto-replied\n", mail.AutoReply, true},
		{"auto_replied_with_comment", person + "Auto-Submitted: auto-replied (vacation); owner=x\n", mail.AutoReply, true},
		{"auto_generated", person + "Auto-Submitted: auto-generated\n", mail.AutoNotification, true},
		{"auto_submitted_no", person + "Auto-Submitted: no\n", mail.AutoNone, false},
		{"office_365_out_of_office", subject("Automatic reply: my order") + "Auto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\n", mail.AutoReply, true},
		{"x_autoreply", person + "X-Autoreply: yes\n", mail.AutoReply, true},
		{"x_autorespond", person + "X-Autorespond: x\n", mail.AutoReply, true},
		{"our_own_loop", person + mail.LoopHeader + ": support@example.com\n", mail.AutoReply, true},
		{"precedence_auto_reply", person + "Precedence: auto_reply\n", mail.AutoReply, true},
		{"precedence_bulk", person + "Precedence: bulk\n", mail.AutoBulk, true},
		{"precedence_junk", person + "Precedence: Junk\n", mail.AutoBulk, true},
		{"list_id", person + "List-Id: <l.example.org>\nPrecedence: list\n", mail.AutoList, true},
		{"list_unsubscribe", person + "List-Unsubscribe: <https://x.example>\n", mail.AutoBulk, true},
		{"suppress_all", person + "X-Auto-Response-Suppress: OOF, AutoReply\n", mail.AutoNone, true},
		{"suppress_none", person + "X-Auto-Response-Suppress: None\n", mail.AutoNone, false},
		{"x_loop_of_a_forwarder", person + "X-Loop: procmail\n", mail.AutoNone, true},
		{"person_through_a_form", person + "Sender: no-reply@forms.example\nFeedback-ID: 1:ses\n", mail.AutoNone, false},
		{"null_return_path", "Return-Path: <>\n" + person, mail.AutoNotification, true},
		{"return_path", "Return-Path: <ann@example.org>\n" + person, mail.AutoNone, false},
		{"noreply", "From: Shop <no-reply@shop.example>\nSubject: x\n", mail.AutoNotification, true},
		{"do_not_reply", "From: do_not_reply@shop.example\nSubject: x\n", mail.AutoNotification, true},
		{"postmaster", "From: postmaster@shop.example\nSubject: x\n", mail.AutoNotification, true},
		{"multipart_report", person + "Content-Type: multipart/report; boundary=r\n", mail.AutoNotification, true},
		{"vacation_zh", subject("自动回复：关于订单"), mail.AutoReply, true},
		{"vacation_tw", subject("自動回覆: 訂單"), mail.AutoReply, true},
		{"vacation_de", subject("Abwesenheitsnotiz: Bestellung"), mail.AutoReply, true},
		{"vacation_fr", subject("Réponse automatique : commande"), mail.AutoReply, true},
		{"vacation_es", subject("Respuesta automática: pedido"), mail.AutoReply, true},
		{"vacation_ja", subject("自動返信: ご注文"), mail.AutoReply, true},
		{"vacation_ko", subject("자동 회신: 주문"), mail.AutoReply, true},
		{"vacation_en", subject("Out of Office AutoReply: order"), mail.AutoReply, true},
		{"vacation_bracket", subject("[自动回复] 订单"), mail.AutoReply, true},
		{"person_about_being_out_of_office", subject("Out of office days for next week"), mail.AutoNone, false},
		{"person_answers_an_auto_reply", subject("Re: Automatic reply: my order"), mail.AutoNone, false},
		{"person_about_going_out", subject("外出就餐发票"), mail.AutoNone, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := parse(t, c.head+"\nHello, when will it come?\n")
			if m.Auto != c.class || m.Suppress != c.suppress || m.Automated != (c.class != mail.AutoNone) {
				t.Errorf("class %s, suppress %v, evidence %q", m.Auto, m.Suppress, m.Evidence)
			}
			if m.Suppress && len(m.Evidence) == 0 {
				t.Error("no evidence")
			}
		})
	}
	if m := parse(t, person+"Auto-Submitted: auto-replied\nX-Autoreply: yes\n\nx"); strings.Join(m.Evidence, "; ") != "Auto-Submitted: auto-replied; X-Autoreply" {
		t.Errorf("%q", m.Evidence)
	}
}
