package mail

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Class tells what kind of sender wrote a mail.
type Class string

// The classes of senders. A mail of unknown kind is taken as written by a person.
const (
	AutoNone         Class = "none"
	AutoReply        Class = "auto_reply"
	AutoBulk         Class = "bulk"
	AutoList         Class = "list"
	AutoBounce       Class = "bounce"
	AutoComplaint    Class = "complaint"
	AutoNotification Class = "notification"
)

// LoopHeader marks the mails our own automations send. One that comes back with it has gone
// round.
const LoopHeader = "X-Parley-Loop"

// Automation tells whether a program wrote a mail (RFC 3834).
type Automation struct {
	Auto Class
	// Evidence is what the class was judged by, such as "Auto-Submitted: auto-replied".
	Evidence []string
	// Automated is set for every class but AutoNone.
	Automated bool
	// Suppress tells that no program may answer. It is set for automated mail, and for mail a
	// person wrote whose sender asks for it.
	Suppress bool
}

// note adds evidence. The first class noted is kept: signals are read strongest first.
func (a *Automation) note(c Class, evidence string) {
	if a.Auto == AutoNone {
		a.Auto = c
	}
	a.Evidence = append(a.Evidence, evidence)
}

// automation reads the signals of RFC 3834 §2 and those used before and beside it.
func (p *parser) automation() Automation {
	m := p.m
	a := Automation{Auto: AutoNone}
	if m.Bounce != nil {
		if m.Bounce.Complaint {
			a.note(AutoComplaint, "a feedback report")
		} else {
			a.note(AutoBounce, "a delivery report")
		}
		a.Evidence = append(a.Evidence, m.Bounce.Evidence...)
	}
	a.replies(m)
	a.lists(m.Header)
	a.reports(m)
	a.senders(m)
	a.Automated = a.Auto != AutoNone
	asked := a.asked(m.Header)
	a.Suppress = a.Automated || asked
	return a
}

// replies finds answers by machines.
func (a *Automation) replies(m *Mail) {
	if vacation(m.Subject) {
		a.note(AutoReply, "the subject of an automatic reply")
	}
	kind, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(stripComments(m.Header.Get("Auto-Submitted")))), ";")
	switch kind = strings.TrimSpace(kind); {
	case kind == "" || kind == "no":
	case strings.HasPrefix(kind, "auto-replied"):
		a.note(AutoReply, "Auto-Submitted: "+kind)
	default:
		a.note(AutoNotification, "Auto-Submitted: "+kind)
	}
	for _, name := range []string{"X-Autoreply", "X-Auto-Reply", "X-Autorespond", "X-Autoresponder", "X-Autoreply-From", "X-Mail-Autoreply", "X-Vacation", LoopHeader} {
		if v := m.Header.Get(name); m.Header.Has(name) && !strings.EqualFold(strings.TrimSpace(v), "no") {
			a.note(AutoReply, name)
		}
	}
}

// lists finds mail to many.
func (a *Automation) lists(h Header) {
	precedence := strings.ToLower(strings.TrimSpace(h.Get("Precedence")))
	switch precedence {
	case "auto_reply", "auto-reply":
		a.note(AutoReply, "Precedence: "+precedence)
	case "list":
		a.note(AutoList, "Precedence: list")
	}
	for _, name := range []string{"List-Id", "List-Post"} {
		if h.Get(name) != "" {
			a.note(AutoList, name)
		}
	}
	if precedence == "bulk" || precedence == "junk" {
		a.note(AutoBulk, "Precedence: "+precedence)
	}
	if h.Get("List-Unsubscribe") != "" {
		a.note(AutoBulk, "List-Unsubscribe")
	}
}

// reports finds what mail servers and readers write to one another, such as read receipts.
func (a *Automation) reports(m *Mail) {
	if parseMedia(m.Header.raw("Content-Type"), "").value == "multipart/report" {
		a.note(AutoNotification, "Content-Type: multipart/report")
	}
	if v, ok := returnPath(m.Header); ok && v == "" {
		a.note(AutoNotification, "Return-Path: <>")
	}
}

// senders finds addresses nobody reads.
func (a *Automation) senders(m *Mail) {
	local, _, _ := strings.Cut(strings.ToLower(m.From.Address), "@")
	flat := strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	switch {
	case flat == "mailerdaemon", flat == "postmaster", strings.HasPrefix(flat, "noreply"), strings.HasSuffix(flat, "noreply"),
		strings.HasPrefix(flat, "donotreply"), strings.HasPrefix(flat, "nepasrepondre"):
		a.note(AutoNotification, "sent by "+local)
	}
}

// asked reports whether the sender, or a program on the way, asks machines to be quiet.
func (a *Automation) asked(h Header) bool {
	quiet := false
	if v := strings.ToLower(strings.TrimSpace(h.Get("X-Auto-Response-Suppress"))); v != "" && v != "none" {
		a.Evidence = append(a.Evidence, "X-Auto-Response-Suppress: "+v)
		quiet = true
	}
	if h.Get("X-Loop") != "" {
		a.Evidence = append(a.Evidence, "X-Loop")
		quiet = true
	}
	return quiet
}

// returnPath returns the envelope sender; ok tells that it was noted at all.
func returnPath(h Header) (addr string, ok bool) {
	raw := h.raws("Return-Path")
	if len(raw) == 0 {
		return "", false
	}
	return normalise(strings.Trim(string(raw[0]), " \t<>"), ""), true
}

// vacations are how automatic replies begin their subjects.
var vacations = foldAll(
	"automatic reply", "auto reply", "auto-reply", "autoreply", "auto response", "auto-response", "automated reply",
	"automated response", "automatic response", "out of office", "out-of-office", "ooo", "vacation reply", "on vacation", "away from my mail",
	"自动回复", "自動回覆", "自動回復", "自动答复", "自動答覆", "自動回信", "休假自动回复", "不在办公室", "外出自动回复", "外出",
	"automatische antwort", "abwesenheitsnotiz", "abwesend", "abwesenheit", "automatische rückantwort", "abwesenheitsassistent",
	"réponse automatique", "absence du bureau", "absent du bureau", "message d'absence",
	"respuesta automática", "fuera de la oficina", "fuera de oficina",
	"自動返信", "自動応答", "不在通知", "不在のお知らせ", "不在のため",
	"자동 회신", "자동회신", "자동 응답", "부재중",
	"resposta automática", "fora do escritório", "ausência temporária",
	"risposta automatica", "fuori sede", "fuori ufficio", "automatisch antwoord", "afwezigheidsbericht",
	"автоответ", "автоматический ответ", "odpowiedź automatyczna", "autosvar", "automaattinen vastaus", "otomatik yanıt",
	"automatická odpověď", "automatikus válasz", "balasan otomatis", "trả lời tự động", "การตอบกลับอัตโนมัติ", "رد تلقائي", "תגובה אוטומטית",
)

// vacation reports whether a subject begins as automatic replies do. What follows must be a
// colon, a bracket or nothing, so that people may write about being out of office.
func vacation(subject string) bool {
	s := fold(strings.TrimLeft(clipText(subject, maxName), " [(【"))
	for _, v := range vacations {
		rest, ok := strings.CutPrefix(s, v)
		if !ok {
			continue
		}
		rest = strings.TrimLeft(rest, " ")
		for _, more := range []string{"autoreply", "auto-reply", "reply", "message", "notification"} {
			rest = strings.TrimLeft(strings.TrimPrefix(rest, more), " ")
		}
		if rest == "" || strings.ContainsAny(rest[:1], ":])-!|") || strings.HasPrefix(rest, "：") || strings.HasPrefix(rest, "】") || strings.HasPrefix(rest, "–") {
			return true
		}
	}
	return false
}

// fold drops case and accents: subjects are written with and without them.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(strings.ToLower(s)))
}

func foldAll(list ...string) []string {
	for i, s := range list {
		list[i] = fold(s)
	}
	return list
}
