package mail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels/email/mail"
)

const returnedMail = "Message-ID: <m.01ABC.mac@example.com>\nFrom: support@example.com\nTo: customer@far.example\nSubject: your order\n"

// dsn is a delivery report (RFC 3464).
func dsn(groups string) string {
	return "Return-Path: <>\nFrom: Mail Delivery System <MAILER-DAEMON@mx.example>\nTo: support@example.com\nSubject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=r\n\n--r\n\nThis is the mail system at host mx.example.\n\n<customer@far.example>: host mx.far.example said: 550 5.1.1 User unknown\n" +
		"--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n" + groups + "\n--r\nContent-Type: text/rfc822-headers\n\n" + returnedMail + "\n--r--\n"
}

func group(action, status, diagnostic string) string {
	return fmt.Sprintf("Final-Recipient: rfc822; customer@far.example\nAction: %s\nStatus: %s\nDiagnostic-Code: smtp; %s\n", action, status, diagnostic)
}

// Case 99, bounce_marks_message_failed: bounces of the shapes that servers write, with what is to be done.
func TestBounceMarksMessageFailed(t *testing.T) {
	const daemon = "Return-Path: <>\nFrom: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nTo: support@example.com\n"
	cases := []struct {
		name, raw string
		class     mail.BounceClass
		status    string
		permanent bool
		noID      bool
	}{
		{"rfc3464_dead", dsn(group("failed", "5.1.1", "550 5.1.1 User unknown")), mail.BounceDead, "5.1.1", true, false},
		{"rfc3464_full", dsn(group("failed", "5.2.2", "552 5.2.2 Mailbox full")), mail.BounceFull, "5.2.2", true, false},
		{"rfc3464_policy", dsn(group("failed", "5.7.26", "550 5.7.26 unauthenticated, DMARC")), mail.BouncePolicy, "5.7.26", true, false},
		{"rfc3464_delayed", dsn(group("delayed", "4.4.1", "connection timed out")), mail.BounceDelayed, "4.4.1", false, false},
		{"rfc3464_gave_up", dsn(group("failed", "4.4.7", "delivery time expired")), mail.BounceOther, "4.4.7", true, false},
		{"rfc3464_vague_status", dsn(group("failed", "5.0.0", "550 no such user here")), mail.BounceDead, "5.0.0", true, false},
		{"rfc3464_status_in_diagnostic", dsn(group("failed", "5.0.0", "550 5.2.2 quota")), mail.BounceFull, "5.2.2", true, false},
		{"gmail", daemon + "Subject: Delivery Status Notification (Failure)\nX-Failed-Recipients: customer@far.example\nReferences: <m.01ABC.mac@example.com>\nIn-Reply-To: <m.01ABC.mac@example.com>\n\n** Address not found **\n\nYour message wasn't delivered to customer@far.example because the address couldn't be found.\n\nThe response was:\n550 5.1.1 The email account that you tried to reach does not exist.\n", mail.BounceDead, "5.1.1", true, false},
		{"office_365", "From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.onmicrosoft.com>\nTo: support@example.com\nSubject: Undeliverable: your order\nAuto-Submitted: auto-replied\nIn-Reply-To: <m.01ABC.mac@example.com>\n\nYour message to customer@far.example couldn't be delivered.\n\ncustomer wasn't found at far.example.\n\nStatus code: 550 5.1.10\n", mail.BounceDead, "5.1.10", true, false},
		{"exchange", "From: System Administrator\nTo: support@example.com\nSubject: Undeliverable: your order\n\nYour message did not reach the following recipients:\n\n  customer@far.example on 2 Mar 2026\n    The recipient name is not recognized: 550 5.1.1\n", mail.BounceDead, "5.1.1", true, true},
		{"qq", "From: PostMaster@qq.com\nTo: support@example.com\nSubject: 系统退信\n\n抱歉，您的邮件被退回来了……\n原邮件信息：\n收件人：customer@far.example\n退信原因：邮件无法发送到 customer@far.example，收件人邮件地址不存在，邮件无法送达。\nhost mx.far.example said: 550 Mailbox not found\n", mail.BounceDead, "", true, true},
		{"qmail", "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: support@example.com\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<customer@far.example>:\n192.0.2.1 does not like recipient.\nRemote host said: 552 5.2.2 over quota\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <support@example.com>\n" + returnedMail + "\nhi", mail.BounceFull, "5.2.2", true, false},
		{"exim", "Return-Path: <>\nFrom: Mail Delivery System <Mailer-Daemon@mx.example>\nTo: support@example.com\nSubject: Mail delivery failed: returning message to sender\n\nThis message was created automatically by mail delivery software.\n\nThe following address(es) failed:\n\n  customer@far.example\n    host mx.far.example: 550 relay not permitted\n\n------ This is a copy of the message, including all the headers. ------\n\n" + returnedMail + "\nhi", mail.BouncePolicy, "", true, false},
		{"postfix_warning", "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: support@example.com\nSubject: Delayed Mail (still being retried)\n\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\n<customer@far.example>: connect to mx.far.example: Connection timed out 4.4.1\n", mail.BounceDelayed, "4.4.1", false, true},
		{"domino", "From: Postmaster@far.example\nTo: support@example.com\nSubject: DELIVERY FAILURE: User customer (customer@far.example) not listed in Domino Directory\n\nYour message\n\n  Subject: your order\n\nwas not delivered to:\n\n  customer@far.example\n\nbecause:\n\n  User customer (customer@far.example) not listed in Domino Directory 5.1.1\n", mail.BounceDead, "5.1.1", true, true},
		{"sendmail", "Return-Path: <>\nFrom: Mail Delivery Subsystem <MAILER-DAEMON@mx.example>\nTo: support@example.com\nSubject: Returned mail: see transcript for details\n\nThe original message was received at Mon, 2 Mar 2026\n\n   ----- The following addresses had permanent fatal errors -----\n<customer@far.example>\n    (reason: 550 5.7.1 blocked by policy)\n\n   ----- Transcript of session follows -----\n", mail.BouncePolicy, "5.7.1", true, true},
		{"netease", "From: postmaster@163.com\nTo: support@example.com\nSubject: 系统退信/Systems bounce\n\n抱歉，您的邮件被退回，无法投递给 customer@far.example\n\nSMTP error, RCPT TO: 550 User not found: customer@far.example\n", mail.BounceDead, "", true, true},
		{"ses_json", "From: AWS Notifications <no-reply@sns.amazonaws.com>\nTo: support@example.com\nSubject: AWS Notification Message\n\n" + `{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"customer@far.example","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]},"mail":{"messageId":"0100-x","destination":["customer@far.example"],"headers":[{"name":"Message-ID","value":"<m.01ABC.mac@example.com>"}]}}` + "\n\n--\nIf you wish to stop receiving notifications", mail.BounceDead, "5.1.1", true, false},
		{"sns_wrapped", "From: no-reply@sns.amazonaws.com\nTo: support@example.com\nSubject: AWS Notification Message\n\n" + `{"Type":"Notification","Message":"{\"eventType\":\"Bounce\",\"bounce\":{\"bounceType\":\"Transient\",\"bounceSubType\":\"MailboxFull\",\"bouncedRecipients\":[{\"emailAddress\":\"customer@far.example\"}]},\"mail\":{\"commonHeaders\":{\"messageId\":\"<m.01ABC.mac@example.com>\"},\"destination\":[\"customer@far.example\"]}}"}`, mail.BounceFull, "", true, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := parse(t, c.raw)
			b := m.Bounce
			if b == nil {
				t.Fatal("not seen as a bounce")
			}
			if m.Auto != mail.AutoBounce || !m.Suppress {
				t.Errorf("class %s", m.Auto)
			}
			if len(b.Recipients) != 1 || b.Recipients[0].Address != "customer@far.example" || b.Recipients[0].Class != c.class || b.Recipients[0].Status != c.status {
				t.Errorf("recipients %+v", b.Recipients)
			}
			if b.Permanent != c.permanent || !c.noID && b.OriginalMessageID != "m.01ABC.mac@example.com" {
				t.Errorf("permanent %v, original %q", b.Permanent, b.OriginalMessageID)
			}
		})
	}
}

// Case 98: what comes back to an automatic answer is read and is answered by no machine.
func TestAnswersToMachines(t *testing.T) {
	t.Run("auto_reply_stored_no_reply", func(t *testing.T) {
		m := parse(t, "From: Ann <ann@example.org>\nSubject: Automatic reply: your order\nAuto-Submitted: auto-replied\nIn-Reply-To: <m.1@example.com>\n\nI am away until Monday.\n")
		if m.Auto != mail.AutoReply || !m.Suppress || strings.TrimSpace(m.Text) != "I am away until Monday." || m.InReplyTo[0] != "m.1@example.com" || m.Bounce != nil {
			t.Errorf("%s %v %q", m.Auto, m.Suppress, m.Text)
		}
	})
	t.Run("ooo_ping_pong_200", func(t *testing.T) {
		for i := range 200 {
			m := parse(t, fmt.Sprintf("From: Ann <ann@example.org>\nSubject: Automatic reply: Automatic reply: %d\n\nI am away.\n", i))
			if !m.Suppress {
				t.Fatalf("round %d would be answered", i)
			}
		}
	})
	t.Run("bounce_to_auto_ack", func(t *testing.T) {
		m := parse(t, dsn(group("failed", "5.1.1", "550 no such user")))
		if m.Auto != mail.AutoBounce || !m.Suppress || m.Bounce.OriginalMessageID != "m.01ABC.mac@example.com" {
			t.Errorf("%s %v %+v", m.Auto, m.Suppress, m.Bounce)
		}
	})
}

func TestBounceOfTwo(t *testing.T) {
	m := parse(t, dsn(group("failed", "5.1.1", "no")+"\nFinal-Recipient: rfc822;b@far.example\nAction: delayed\nStatus: 4.2.2\n"))
	if b := m.Bounce; len(b.Recipients) != 2 || b.Recipients[1].Class != mail.BounceDelayed || !b.Permanent || len(b.OriginalRecipients) != 1 {
		t.Errorf("%+v", b)
	}
}

func TestComplaint(t *testing.T) {
	m := parse(t, "From: <abuse@isp.example>\nTo: support@example.com\nSubject: FW: your order\nContent-Type: multipart/report; report-type=feedback-report; boundary=r\n\n--r\n\nThis is an email abuse report.\n--r\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: <customer@far.example>\n\n--r\nContent-Type: message/rfc822\n\n"+returnedMail+"\nhi\n--r--\n")
	b := m.Bounce
	if b == nil || !b.Complaint || b.Permanent || m.Auto != mail.AutoComplaint || b.OriginalMessageID != "m.01ABC.mac@example.com" || len(b.Recipients) != 1 || b.Recipients[0].Address != "customer@far.example" {
		t.Errorf("%+v", b)
	}
}

// People write about bounces, quote them and forward them: none of that is one.
func TestNoBounces(t *testing.T) {
	quoted := "> <customer@far.example>: host mx said: 550 5.1.1 User unknown\n> This message could not be delivered\n"
	cases := []struct{ name, raw string }{
		{"quoting", from + "\nHello, I got this back, what shall I do?\n\n" + quoted},
		{"answering", strings.Replace(from, "Subject: x", "Subject: Re: Undelivered Mail Returned to Sender\nIn-Reply-To: <a@b>", 1) + "\nThis message could not be delivered to ann@example.org, 550 5.1.1\n"},
		{"forwarding", strings.Replace(from, "Subject: x", "Subject: Fwd: Undelivered Mail Returned to Sender", 1) + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nplease look\n--b\nContent-Type: message/rfc822\n\n" + dsn(group("failed", "5.1.1", "x")) + "\n--b--\n"},
		{"about_a_parcel", strings.Replace(from, "Subject: x", "Subject: Delivery failed", 1) + "\nThe driver says he could not find us. When will it come?\n"},
		{"own_words", from + "\nMy mail to sales@example.com could not be delivered. Error 550 5.1.1. Why?\n"},
		{"pasting_ses_json", from + "\n" + `{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":"a@b.c"}]}}`},
		{"auto_reply", strings.Replace(from, "Subject: x", "Subject: Automatic reply: your order\nAuto-Submitted: auto-replied\nReturn-Path: <>", 1) + "\nI am away until Monday. In urgent cases write to bob@example.org.\n"},
		{"read_receipt", from + "Content-Type: multipart/report; report-type=disposition-notification; boundary=r\n\n--r\n\nYour message was read\n--r\nContent-Type: message/disposition-notification\n\nDisposition: manual-action; displayed\n--r--\n"},
		{"delivered", dsn(group("delivered", "2.0.0", "250 ok"))},
		{"postmaster_who_is_a_person", "From: Ann <postmaster@example.org>\nTo: support@example.com\nSubject: our order\nDate: Mon, 02 Mar 2026 10:00:00 +0000\n\nHello, when will it come?\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if m := parse(t, c.raw); m.Bounce != nil {
				t.Errorf("%+v", m.Bounce)
			}
		})
	}
}
