package quote

import (
	"regexp"
	"strings"
)

// separators are the words programs draw a line through above the original of a reply.
var separators = set(`original message|original mail|original email|original e-mail|reply message|original appointment|ursprüngliche nachricht|originalnachricht|original nachricht|
	ursprüngliche mail|ursprungsnachricht|message d'origine|message d’origine|message original|message initial|mensaje original|mensagem original|messaggio originale|
	oorspronkelijk bericht|oorspronkelijke bericht|origineel bericht|oryginalna wiadomość|wiadomość oryginalna|wiadomość pierwotna|treść oryginalnej wiadomości|ursprungligt meddelande|originalmeddelande|
	oprindelig besked|oprindelig meddelelse|original besked|opprinnelig melding|alkuperäinen viesti|původní zpráva|původní e-mail|pôvodná správa|исходное сообщение|
	оригинальное сообщение|оригінальне повідомлення|orijinal ileti|orijinal mesaj|özgün ileti|eredeti üzenet|mesaj original|mesajul original|αρχικό μήνυμα|оригинално съобщение|
	原始邮件|原始郵件|回复的原邮件|回覆的原郵件|回复的邮件|原邮件|原郵件|原始信息|原始邮件信息|邮件原文|原始訊息|元のメッセージ|元のメール|オリジナル メッセージ|オリジナルメッセージ|original message 元のメッセージ|
	원본 메시지|원본 메일|원본메일|원본 이메일|thư gốc|tin nhắn gốc|pesan asli|ข้อความต้นฉบับ|ข้อความเดิม|הודעה מקורית|הודעה המקורית|الرسالة الأصلية|رسالة أصلية|پیام اصلی|मूल संदेश`)

// forwards are the words above a mail that was passed on.
var forwards = set(`forwarded message|forwarded mail|forwarded email|forwarded by|begin forwarded message|start of forwarded message|weitergeleitete nachricht|anfang der weitergeleiteten nachricht|
	anfang der weitergeleiteten e-mail|message transféré|message transmis|début du message transféré|début du message réexpédié|mensaje reenviado|inicio del mensaje reenviado|messaggio inoltrato|inizio messaggio inoltrato|
	mensagem encaminhada|mensagem reencaminhada|início da mensagem encaminhada|início da mensagem reencaminhada|doorgestuurd bericht|begin doorgestuurd bericht|wiadomość przekazana dalej|przekazana wiadomość|przesłana wiadomość|
	początek przekazywanej wiadomości|пересылаемое сообщение|пересланное сообщение|начало переадресованного сообщения|конец пересылаемого сообщения|переслане повідомлення|vidarebefordrat meddelande|vidarebefordrat brev|vidarebefordrat mejl|
	videresendt besked|videresendt meddelelse|start på videresendt besked|videresendt melding|välitetty viesti|edelleenlähetetty viesti|přeposlaná zpráva|začátek přeposílané zprávy|iletilen mesaj|yönlendirilen ileti|iletilmiş mesaj|
	továbbított üzenet|továbbított levél|mesaj redirecționat|προωθημένο μήνυμα|转发邮件|转发的邮件|转发邮件信息|转发信息|已转发邮件|以下是转发的邮件|轉寄郵件|轉寄的郵件|轉寄訊息|已轉寄的郵件|轉寄信件|转发的原邮件|轉發的原郵件|
	転送メッセージ|転送されたメッセージ|전달된 메시지|전달된 메일|thư được chuyển tiếp|thư đã chuyển tiếp|tin nhắn được chuyển tiếp|pesan terusan|ข้อความที่ส่งต่อ|הודעה שהועברה|הודעה מועברת|رسالة مُعاد توجيهها|رسالة معاد توجيهها`)

func set(list string) map[string]bool {
	out := map[string]bool{}
	for _, s := range strings.Split(list, "|") {
		out[strings.TrimSpace(s)] = true
	}
	return out
}

// phrase is the text of a line without what is drawn around it and without a colon.
func phrase(s string) (string, int) {
	t, drawn := unruled(s)
	t, _ = cutColon(t)
	return strings.ToLower(t), drawn
}

// isSeparator recognises "-----Original Message-----". The line must be drawn: the words alone are
// a sentence.
func isSeparator(s string) bool {
	if len(s) > 160 {
		return false
	}
	t, drawn := phrase(s)
	return drawn >= 4 && separators[t]
}

// isGroupWise recognises the header ">>> Ann Lee <ann@example.com> 12/08/2026 14:03 >>>", below
// which nothing is marked.
func isGroupWise(s string) bool {
	return len(s) > 12 && len(s) < 200 && strings.HasPrefix(s, ">>>") && strings.HasSuffix(s, ">>>") && hasDigit(s)
}

// isForward recognises the head of a forwarded mail: a drawn line, or the words alone when a
// header block follows.
func isForward(lines []line, i int) bool {
	s := lines[i].text
	if len(s) > 160 {
		return false
	}
	t, drawn := phrase(s)
	if !forwards[t] && !strings.HasPrefix(t, "forwarded by ") {
		return false
	}
	if drawn >= 4 {
		return true
	}
	j := nextText(lines, i+1)
	return j < len(lines) && isField(strings.TrimLeft(lines[j].text, "> "))
}

// isReplyAbove recognises the line under which help desks forbid to write.
func isReplyAbove(s string) bool {
	low := strings.ToLower(s)
	if !strings.HasPrefix(low, "#") && !strings.HasPrefix(low, "-") && !strings.HasPrefix(low, "=") && !strings.HasPrefix(low, "*") && !strings.HasPrefix(low, "_") {
		return false
	}
	for _, w := range []string{"reply above this line", "type your reply above", "write above this line", "please reply above", "reply above the line",
		"antworten sie über dieser", "antworten oberhalb dieser", "répondre au-dessus de cette ligne", "responda por encima de esta", "请在此行上方回复", "请在此线上方回复", "この行より上に"} {
		if strings.Contains(low, w) {
			return true
		}
	}
	return false
}

// announces reports whether a line promises what the next ones say, and is no header of a mail.
func announces(s string) bool {
	t, colon := cutColon(s)
	low := strings.ToLower(t)
	return colon && !hasDigit(t) && !strings.Contains(t, "@") && !endsInVerb(low) && !hasMiddleVerb(low)
}

// devices are words that make "Sent from my …" a mobile signature beyond doubt.
var devices = regexp.MustCompile(`(?i)iphone|ipad|ipod|android|blackberry|galaxy|samsung|huawei|honor|xiaomi|redmi|oppo|vivo|oneplus|nokia|lumia|windows ?phone|windows 1\d|windows mail|outlook|yahoo|gmail|mailbox|` +
	`smartphone|handheld|mobile|mobil|telefon|téléphone|teléfono|phone|tablet|tablette|proton|typeapp|bluemail|spark|airmail|mail for|aquamail|k-9|fairemail|zoho|qq邮箱|网易|邮箱|手机|手機|小米|华为|荣耀|苹果|サムスン|スマートフォン|携帯|휴대폰|갤럭시|아이폰|アプリ|пошт|почт|телефон|смартфон`)

// sentFrom are the beginnings of mobile signatures, in lower case.
var sentFrom = byFirst(`sent from |sent via |sent using |sent with |sent on |sent by |sent securely |written from |written on |composed on |composed with |sended from |send from |typed on |emailed from |
	get outlook for |download outlook |get bluemail |outlook for |this email was sent from my |this e-mail was sent from my |this message was sent from my |
	von meinem |von meiner |von unterwegs |gesendet von |gesendet mit |gesendet über |gesendet aus |gesendet vom |diese nachricht wurde von meinem |versendet mit |verschickt mit |outlook für |
	envoyé de |envoyé depuis |envoyé à partir |envoyé avec |envoyé via |envoyé par |envoyé d'|envoyé d’|télécharger outlook|téléchargez outlook|obtenez outlook|
	enviado desde |enviado con |enviado a través |enviado do |enviado de |enviado da |enviado por |enviado pelo |enviado via |enviado usando |enviado a partir |obtener outlook|obter o outlook|
	inviato da |inviato dal |inviato con |inviato dallo |inviato tramite |scarica outlook|ottieni outlook|verzonden vanaf |verzonden met |verzonden vanuit |verzonden via |verstuurd vanaf |verstuurd met |
	verstuurd vanuit |verstuurd via |outlook voor |wysłane z |wysłano z |wysłana z |wysłany z |wysłane przy |pobierz outlook|pobierz aplikację outlook|отправлено с |отправлено из |отправлено от |отправлено через |
	надіслано з |надіслано із |skickat från |skickat med |skickat via |hämta outlook|sendt fra |sendt med |sendt via |hent outlook|lähetetty |hanki outlook|odesláno z |odesláno ze |odesláno pomocí |odoslané z |
	trimis de |trimis din |trimis de pe |trimis cu |trimis prin |στάλθηκε από |изпратено от |được gửi từ |đã gửi từ |gửi từ |tải outlook|dikirim dari |ส่งจาก|נשלח מ|أرسلت من|أُرسلت من|مرسل من|
	发自|發自|從我的|从我的|来自我的|來自我的|寄自|傳送自|发送自|获取 outlook|获取outlook|取得 outlook|取得outlook|나의 |내 `)

// sentEnds are the ends of those that end in the verb.
var sentEnds = []string{"から送信", "から送信されました", "で送信", "を入手", "에서 보냄", "에서 전송", "에서 발송", "gönderildi", "sta", "stä", "lta", "ltä", "gesendet", "发送", "傳送", "küldve"}

func byFirst(list string) map[byte][]string {
	out := map[byte][]string{}
	for _, p := range strings.Split(list, "|") {
		if p = strings.TrimLeft(p, "\n\t"); p != "" {
			out[p[0]] = append(out[p[0]], p)
		}
	}
	return out
}

// saysSent reports whether a line begins, or ends, as a mobile signature does. Ends alone are
// common words, so that one of devices must be there, too.
func saysSent(s string) bool {
	low := strings.ToLower(strings.TrimLeft(s, "[(*_-–—~ "))
	if low == "" {
		return false
	}
	for _, p := range sentFrom[low[0]] {
		if strings.HasPrefix(low, p) {
			return true
		}
	}
	for _, p := range []string{"from my ", "from ", "via ", "mobile ", "来自", "來自"} {
		if strings.HasPrefix(low, p) && words(low) <= 5 {
			return devices.MatchString(low)
		}
	}
	low = strings.TrimRight(low, ".。!)]*_ ")
	for _, e := range sentEnds {
		if strings.HasSuffix(low, e) {
			return devices.MatchString(low)
		}
	}
	return false
}

var linked = regexp.MustCompile(`<[^<>\s]*>|\((?:https?:)[^()\s]*\)|\[(?:https?:|cid:)[^\]\s]*\]|https?://\S+`)

// isMobileSignature recognises "Sent from my …". A sentence that begins so is none: it goes on
// too long, has a comma, or names nothing one can write mail with and ends like a sentence.
func isMobileSignature(s string) bool {
	if len(s) > 300 {
		return false
	}
	if strings.ContainsAny(s, "<([") || strings.Contains(s, "http") {
		s = strings.TrimSpace(linked.ReplaceAllString(s, ""))
	}
	if s == "" || len(s) > 120 || !saysSent(s) {
		return false
	}
	head, tail, sentence := strings.Cut(s, ". ")
	if sentence && words(tail) > 12 {
		return false
	}
	known := devices.MatchString(head)
	switch {
	case words(head) > 12:
		return false
	case known:
		return !strings.ContainsAny(head, "?,") && words(head) <= 10
	}
	return !strings.ContainsAny(head, ",;:?!") && !strings.HasSuffix(head, ".") && words(head) <= 8
}
