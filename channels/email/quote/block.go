package quote

import (
	"strings"
)

// role is what a line of a header block says.
type role uint8

const (
	roleFrom role = 1 << iota
	roleDate
	roleTo
	roleSubject
	roleOther
)

// fields are the labels of header blocks as mail programs write them, in lower case.
var fields = labels(map[role]string{
	roleFrom: `from|von|de|da|van|fra|från|od|от|від|gönderen|kimden|lähettäjä|feladó|de la|από|מאת|من|từ|จาก|dari|reply-from|
		发件人|寄件者|寄件人|發件人|差出人|送信者|보낸 사람|보낸사람|발신|발신자|expéditeur|mittente|remitente|remetente|afzender|отправитель|nadawca|odesílatel|avsändare|afsender|avsender|kimden:`,
	roleDate: `date|sent|gesendet|datum|gesendet am|envoyé|envoyé le|envoye|date d'envoi|message du|enviado|enviado el|enviado em|enviada em|enviado a|fecha|data|
		inviato|data invio|verzonden|verzonden op|sendt|dato|skickat|skickat den|lähetetty|päivämäärä|wysłano|wysłane|data wysłania|odesláno|odoslané|dátum|elküldve|küldve|отправлено|дата|надіслано|
		gönderildi|gönderme tarihi|tarih|gönderilme tarihi|trimis|στάλθηκε|ημερομηνία|נשלח|תאריך|تم الإرسال|أرسلت|التاريخ|đã gửi|ngày|gửi|ส่ง|วันที่|dikirim|tanggal|
		发送时间|发送日期|日期|时间|寄件日期|傳送時間|發送時間|時間|送信日時|日時|日付|送信|보낸 날짜|날짜|보낸 시간|보낸날짜|일시`,
	roleTo: `to|an|à|a|aan|para|per|till|til|vastaanottaja|do|komu|кому|kime|alıcı|címzett|către|catre|προς|אל|إلى|đến|tới|ถึง|kepada|
		收件人|收件者|宛先|받는 사람|받는사람|수신|수신자|destinataire|destinatario|destinatário|empfänger|ontvanger`,
	roleSubject: `subject|betreff|objet|sujet|asunto|assunto|oggetto|onderwerp|emne|ämne|aihe|temat|předmět|predmet|тема|konu|tárgy|subiect|θέμα|נושא|الموضوع|
		chủ đề|tiêu đề|เรื่อง|subjek|perihal|主题|主旨|標題|标题|件名|제목`,
	roleOther: `cc|bcc|kopie|copie|copie à|copia|cópia|kopi|kopia|kopio|dw|ccn|cci|копия|копія|抄送|副本|密送|ｃｃ|참조|reply-to|antwort an|répondre à|回复|importance|priority|attachments|
		anlagen|pièces jointes|附件|organization|organisation`,
})

func labels(m map[role]string) map[string]role {
	out := map[string]role{}
	for r, list := range m {
		for _, l := range strings.Split(list, "|") {
			out[strings.TrimSpace(l)] = r
		}
	}
	return out
}

// blockSpan is how many lines below its first one a header block may reach.
const blockSpan = 12

// field reads a "Label: value" line. Stars and pipes are what text forms of bold and of tables put
// around a label.
func field(s string) (role, bool) {
	s = strings.TrimLeft(s, "*|•· ")
	if s == "" || len(s) > 400 {
		return 0, false
	}
	at := strings.IndexAny(s, ":：︰|")
	if at <= 0 || at > 40 {
		return 0, false
	}
	label := strings.ToLower(strings.Trim(s[:at], " *_\u00a0"))
	label = strings.ReplaceAll(label, " ", " ")
	if r, ok := fields[label]; ok {
		return r, true
	}
	// 发 件 人 is a common way to set three signs as wide as four.
	r, ok := fields[strings.ReplaceAll(label, " ", "")]
	return r, ok && len(label) > 4
}

func isField(s string) bool { _, ok := field(s); return ok }

// headerBlock reports whether the block of fields that stands above a quoted mail begins at line i:
// its sender and its subject with one more, or the address of its sender and its date or subject. "From
// Leipzig, to Dresden, on Monday" is no such block.
func headerBlock(lines []line, i int) bool {
	seen := fieldsOf(lines[i].text)
	if seen == 0 {
		return false
	}
	sender := seen&roleFrom != 0 && senderNear(lines, i)
	loose := 0
	for j := i + 1; j < len(lines) && j <= i+blockSpan; j++ {
		l := lines[j]
		if l.quoted {
			break
		}
		if r := fieldsOf(l.text); r != 0 {
			sender = sender || r&roleFrom != 0 && senderNear(lines, j)
			seen |= r
			loose = 0
			continue
		}
		if loose++; loose > 2 {
			break
		}
	}
	return complete(seen, sender || followsRule(lines, i))
}

// senderNear reports whether the field at line i, or the line it was wrapped to, has an address.
func senderNear(lines []line, i int) bool {
	if hasAddress(lines[i].text) {
		return true
	}
	return i+1 < len(lines) && !isField(lines[i+1].text) && hasAddress(lines[i+1].text)
}

func complete(seen role, sure bool) bool {
	if seen&roleFrom == 0 {
		return false
	}
	n := 0
	for _, r := range []role{roleDate, roleTo, roleSubject} {
		if seen&r != 0 {
			n++
		}
	}
	return n >= 2 && (sure || seen&roleSubject != 0) || sure && seen&(roleDate|roleSubject) != 0
}

func followsRule(lines []line, i int) bool {
	for j := i - 1; j >= 0; j-- {
		if !lines[j].blank() {
			return isRule(lines[j].text)
		}
	}
	return false
}

// fieldsOf returns the roles of the fields on a line: of the one it begins with and of those that
// follow, where the text form of a mail has lost the line ends.
func fieldsOf(s string) role {
	seen, ok := field(s)
	if !ok {
		return 0
	}
	for _, f := range strings.Fields(s)[1:] {
		name, colon := cutColon(f)
		if r := fields[strings.ToLower(name)]; colon && len(name) > 1 {
			seen |= r
		}
	}
	return seen
}
