package mail

import (
	"regexp"
	"strings"
)

var (
	statusRE  = regexp.MustCompile(`\b([245])\.(\d{1,3})\.(\d{1,3})\b`)
	replyRE   = regexp.MustCompile(`(?:^|[\s:(>#])([45]\d\d)(?:[\s,#:-]|$)`)
	addressRE = regexp.MustCompile(`[\p{L}\p{N}!#$%&'*+/=?^_{|}~.-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+`)
	originRE  = regexp.MustCompile(`(?im)^[ \t>]*Message-ID:\s*<([^<>\s]+)>`)
	toRE      = regexp.MustCompile(`(?im)^[ \t>]*To:[ \t]*(.+)$`)
	subjectRE = regexp.MustCompile(`(?i)^(?:\[?(?:undeliver|undelivered|mail delivery fail|mail delivery problem|delivery status notification|failure notice|` +
		`delivery fail|delivery has failed|returned mail|mail could not be delivered|message could not be delivered|mail delivery:|mail system error|` +
		`warning: could not send message|warning: message .* delayed|delivery delayed|delivery notification|message not delivered|message status - undeliverable|` +
		`nondeliverable mail|non delivery|non-delivery|could not send message|unable to deliver|unzustellbar|échec de la remise|non remis|non distribuable|` +
		`no se puede entregar|no entregado|系统退信|退信|退信通知|无法投递|未送达|投递失败|无法送达|未傳遞|無法傳遞|配信不能|配信エラー|送信できません|전송 실패|반송|` +
		`не доставлено|недоставленное|impossib[a-z]+ recapitare|niet te bezorgen|não é possível entregar|failed mail|user unknown|mail failure|ndn:|undelivered|notification d'erreur|message undeliverable|` +
		`permanent delivery failure|permanent failure|cannot deliver|there was an error sending your mail|mail delivery status|delivery error|error sending|` +
		`delivery status|rejected mail|your message could not|bounce[d]? mail|problems? delivering|メール配信エラー|メールを配信できません|送信エラー|rejected:|delayed mail|email delivery failure))`)
)

// bounceWords are what servers say when they give a mail back, in lower case.
var bounceWords = []string{
	"could not be delivered", "couldn't be delivered", "wasn't delivered", "was not delivered", "unable to deliver", "not able to deliver", "delivery to the following recipient",
	"delivery has failed", "following addresses failed", "following recipients", "undeliverable", "permanent fatal errors", "permanent error", "delivery failed",
	"message cannot be delivered", "i'm sorry to have to inform you", "i'm afraid i wasn't able to deliver", "will be retried", "has been delayed", "not yet been delivered",
	"error occurred while trying to deliver", "unable to be delivered", "problem delivering", "problems delivering", "cannot deliver", "not listed in", "delivery failure",
	"delivery problem", "has been rejected", "was rejected", "failed to deliver", "undelivered", "没有成功", "被退回", "退回",
	"returned to sender", "this is a permanent error", "failed permanently", "did not reach the following", "delivery temporarily suspended", "could not send message",
	"konnte nicht zugestellt werden", "n'a pas pu être remis", "no se pudo entregar", "无法送达", "未能送达", "投递失败", "退信", "无法发送到", "無法傳遞", "配信できません", "配信に失敗", "не удалось доставить",
}

func bounceSubject(s string) bool { return subjectRE.MatchString(s) }

// maxReport is how many bytes a server needs to say that it gives a mail back.
const maxReport = 1500

// bounceText reports whether the first words are a server's, not a person's: a phrase of
// servers and an address or a status, before anything quoted.
func bounceText(text string) bool {
	head := strings.ToLower(report(clipText(text, maxReport)))
	for _, w := range bounceWords {
		i := strings.Index(head, w)
		if i < 0 {
			continue
		}
		line := head[strings.LastIndexByte(head[:i], '\n')+1 : i]
		if strings.HasPrefix(strings.TrimSpace(line), ">") {
			continue
		}
		return addressRE.MatchString(head) && (statusRE.MatchString(head) || replyRE.MatchString(head) || i < 400)
	}
	return false
}

func delayedWords(s string) bool {
	s = strings.ToLower(s)
	for _, w := range []string{"delay", "warning:", "will be retried", "still being retried", "not yet been delivered", "temporarily", "do not need to resend", "延迟", "稍后重试"} {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// originals are how reports announce the mail they return.
var originals = []string{
	"--- below this line is a copy", "------ this is a copy of the message", "original message headers", "original message header", "--- original message",
	"----- original message", "-----original message", "----- message header", "--- the header of the original message", "original headers:", "----- unsent message follows", "----- message to", "received: from ", "return-path:",
	"原始邮件", "邮件原文", "元のメッセージ", "message headers follow",
}

// report is the part of a bounce's text the server wrote.
func report(text string) string {
	text = text[:min(len(text), 64<<10)]
	low := strings.ToLower(text)
	if len(low) != len(text) {
		low = text // folding changed lengths; the marks are ASCII all the same
	}
	end := len(text)
	for _, mark := range originals {
		if i := strings.Index(low, mark); i > 0 && i < end {
			end = i
		}
	}
	return text[:end]
}

// fromText fills what the structured parts of a report do not tell from its words.
func (b *Bounce) fromText(m *Mail) {
	rest := m.Text[len(report(m.Text)):]
	rest = rest[:min(len(rest), 64<<10)]
	if b.OriginalMessageID == "" {
		if f := originRE.FindStringSubmatch(rest); f != nil {
			b.OriginalMessageID = trimID(f[1])
		}
	}
	if b.OriginalMessageID == "" {
		b.OriginalMessageID = firstOf(m.InReplyTo)
	}
	if len(b.OriginalRecipients) == 0 {
		if f := toRE.FindStringSubmatch(rest); f != nil {
			for _, a := range (Header{fields: []field{{name: "to", value: []byte(f[1])}}}).addresses("To") {
				b.OriginalRecipients = append(b.OriginalRecipients, a.Address)
			}
		}
	}
	if len(b.Recipients) == 0 {
		b.failedRecipients(m)
	}
	if len(b.Recipients) == 0 {
		b.scan(m)
	}
	if len(b.Recipients) == 0 && len(b.OriginalRecipients) == 1 {
		b.Recipients = []BounceRecipient{{Address: b.OriginalRecipients[0], Status: statusIn(report(m.Text)), Diagnostic: diagnosis(report(m.Text))}}
	}
	words := report(m.Text)
	for i := range b.Recipients {
		r := &b.Recipients[i]
		if r.Diagnostic == "" {
			r.Diagnostic = diagnosis(words)
		}
		if r.Status == "" {
			r.Status = statusIn(r.Diagnostic)
		}
		if r.Action == "" && delayedWords(m.Subject) {
			r.Action = "delayed"
		}
	}
}

func firstOf(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

// failedRecipients reads the field Gmail and Exim write.
func (b *Bounce) failedRecipients(m *Mail) {
	for _, v := range m.Header.Values("X-Failed-Recipients") {
		for _, addr := range addressRE.FindAllString(v, maxAddresses) {
			b.add(BounceRecipient{Address: normalise(addr, "")})
		}
	}
}

func (b *Bounce) add(r BounceRecipient) {
	for _, have := range b.Recipients {
		if strings.EqualFold(have.Address, r.Address) {
			return
		}
	}
	if len(b.Recipients) < maxAddresses {
		b.Recipients = append(b.Recipients, r)
	}
}

// scan finds recipients in a server's words. An address at the start of a line, as Postfix, qmail
// and Exim write it, comes with its reason behind it; without such lines the first address
// that is neither ours nor the server's is taken.
func (b *Bounce) scan(m *Mail) {
	text := report(m.Text)
	own := map[string]bool{strings.ToLower(m.From.Address): true}
	for _, a := range append(append([]Address{}, m.To...), m.Cc...) {
		own[strings.ToLower(a.Address)] = true
	}
	for _, a := range m.Recipients {
		own[strings.ToLower(a)] = true
	}
	all := strings.Split(text, "\n")
	loose := ""
	for i, line := range all {
		loc := addressRE.FindStringIndex(line)
		if loc == nil {
			continue
		}
		addr := normalise(strings.TrimRight(line[loc[0]:loc[1]], ".'"), "")
		if own[strings.ToLower(addr)] || daemon(Address{Address: addr}) != notDaemon {
			continue
		}
		if strings.Trim(line[:loc[0]], " \t<>*:-•") == "" {
			reason := diagnosis(strings.Join(all[i:min(len(all), i+8)], "\n"))
			b.add(BounceRecipient{Address: addr, Status: statusIn(reason), Diagnostic: reason})
		} else if loose == "" {
			loose = addr
		}
	}
	if len(b.Recipients) == 0 && loose != "" {
		b.add(BounceRecipient{Address: loose, Status: statusIn(text)})
	}
}

// diagnosis finds the far server's answer in text: the first line with a status or a reply code,
// and what it goes on with.
func diagnosis(text string) string {
	all := strings.Split(text, "\n")
	for i, line := range all {
		if !statusRE.MatchString(line) && !replyRE.MatchString(line) {
			continue
		}
		out := line
		for _, more := range all[i+1 : min(len(all), i+4)] {
			if strings.TrimSpace(more) == "" {
				break
			}
			out += " " + more
		}
		return oneLine(clipText(out, 600))
	}
	for _, line := range all {
		if c := wordsClass(line); c != "" {
			return oneLine(clipText(line, 600))
		}
	}
	return ""
}

func clipText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// statusIn finds an enhanced status code (RFC 3463).
func statusIn(s string) string { return statusRE.FindString(s) }

// reasons are the words of servers by what they mean.
var reasons = []struct {
	class BounceClass
	words []string
}{
	{BounceFull, []string{"mailbox full", "mailbox is full", "over quota", "quota exceeded", "exceeded storage", "out of storage", "overquota", "insufficient disk", "inbox is full", "storage limit", "mailbox size limit", "已满", "容量", "空间不足"}},
	{BounceDead, []string{"user unknown", "unknown user", "no such user", "does not exist", "doesn't exist", "not exist", "no mailbox here", "invalid recipient", "unknown recipient", "recipient not found", "address not found",
		"couldn't be found", "wasn't found", "user not found", "no such recipient", "mailbox unavailable", "mailbox not found", "account has been disabled", "account is disabled", "no longer", "address rejected", "unrouteable address", "host not found", "host or domain name not found", "domain not found", "not our customer", "unknown address", "invalid mailbox", "no such address", "not a valid", "nosuchuser", "不存在", "无此用户", "找不到", "没有找到", "存在しません", "неизвестен"}},
	{BouncePolicy, []string{"spam", "blocked", "blacklist", "block list", "blocklist", "policy", "dmarc", "spf", "dkim", "reputation", "not allowed", "access denied", "refused", "rejected", "unsolicited", "virus", "denied", "authentication", "relay", "垃圾", "拒绝", "拒收", "频率"}},
}

// wordsClass reads a diagnostic's words; "" if they tell nothing.
func wordsClass(s string) BounceClass {
	s = strings.ToLower(s)
	for _, r := range reasons {
		for _, w := range r.words {
			if strings.Contains(s, w) {
				return r.class
			}
		}
	}
	return ""
}

// classify maps a status (RFC 3463) to what is to be done, by the words where the status is
// vague. A server that says it has given up has, even if its last status was temporary.
func classify(r BounceRecipient) BounceClass {
	words := wordsClass(r.Diagnostic)
	if words == "" {
		words = BounceOther
	}
	if r.Action == "delayed" {
		return BounceDelayed
	}
	kind, rest, ok := strings.Cut(r.Status, ".")
	if !ok {
		if f := replyRE.FindStringSubmatch(r.Diagnostic); r.Action == "" && f != nil && f[1][0] == '4' {
			return BounceDelayed
		}
		return words
	}
	if kind == "4" && r.Action == "" {
		return BounceDelayed
	}
	subject, detail, _ := strings.Cut(rest, ".")
	switch {
	case subject == "2" && detail == "2":
		return BounceFull
	case kind == "4":
		if words == BounceFull {
			return words
		}
		return BounceOther
	case subject == "1" && (detail == "7" || detail == "8"):
		return BouncePolicy // it is our address they do not like
	case subject == "1", subject == "2" && detail == "1", subject == "4" && detail == "1":
		return BounceDead
	case subject == "7":
		return BouncePolicy
	case subject == "3" && detail == "4", subject == "2" && detail == "3":
		return BounceOther // too large
	}
	return words
}
