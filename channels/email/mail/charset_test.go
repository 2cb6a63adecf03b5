package mail_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/parley-hub/parley/channels/email/mail"
)

const (
	zhText = "您好，我的订单还没有收到，请尽快查询一下物流，谢谢。"
	zhName = "尊敬的镕喆堃瑄女士：您的退款申请已经收到。"
	twText = "您好，我的訂單還沒有收到，請盡快幫我查詢，謝謝。"
	jaText = "お世話になっております。注文した商品がまだ届いていません。ご確認をお願いいたします。"
	koText = "안녕하세요. 주문한 상품이 아직 도착하지 않았습니다. 확인 부탁드립니다."
	ruText = "Здравствуйте, мой заказ до сих пор не пришёл. Проверьте, пожалуйста."
	frText = "Bonjour, ma commande n'est pas arrivée à l'adresse indiquée, où est-elle passée ? Merci, à bientôt, Hélène"
	plText = "Dzień dobry, moja paczka jeszcze nie dotarła. Proszę o sprawdzenie, żółć."
)

func enc(t *testing.T, e encoding.Encoding, s string) []byte {
	t.Helper()
	b, err := e.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatalf("the case cannot be encoded: %v", err)
	}
	return b
}

// Case 101: the table of charsets, labelled rightly, wrongly and not at all.
func TestCharsets(t *testing.T) {
	gb, big5, sjis := simplifiedchinese.GB18030, traditionalchinese.Big5, japanese.ShiftJIS
	raw := encoding.Nop
	cases := []struct {
		name, label string
		enc         encoding.Encoding
		text        string
	}{
		{"gb18030", "gb18030", gb, zhText},
		{"gbk", "gbk", gb, zhText},
		{"gb2312_with_gbk_only_characters", "gb2312", gb, zhName},
		{"x_gbk", "x-gbk", gb, zhText},
		{"cp936", "cp936", gb, zhText},
		{"hz_gb_2312", "hz-gb-2312", simplifiedchinese.HZGB2312, zhText},
		{"big5", "big5", big5, twText},
		{"big5_hkscs", "big5-hkscs", big5, twText},
		{"iso_2022_jp", "iso-2022-jp", japanese.ISO2022JP, jaText},
		{"shift_jis", "shift_jis", sjis, jaText},
		{"cp932", "cp932", sjis, "①「髙﨑」様の件、確認しました"},
		{"euc_jp", "euc-jp", japanese.EUCJP, jaText},
		{"ks_c_5601_1987", "ks_c_5601-1987", korean.EUCKR, koText},
		{"koi8_r", "koi8-r", charmap.KOI8R, ruText},
		{"windows_1251", "windows-1251", charmap.Windows1251, ruText},
		{"iso_8859_2", "iso-8859-2", charmap.ISO8859_2, plText},
		{"iso_8859_1", "iso-8859-1", charmap.ISO8859_1, frText},
		{"iso_8859_15", "iso-8859-15", charmap.ISO8859_15, "Le prix est de 20 € à peu près"},
		{"utf_16", "utf-16", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), zhText},
		{"undeclared_gbk", "", gb, zhText},
		{"undeclared_gbk_one_word", "", gb, "你好"},
		{"undeclared_big5", "", big5, twText},
		{"undeclared_shift_jis", "", sjis, jaText},
		{"undeclared_euc_jp", "", japanese.EUCJP, jaText},
		{"undeclared_euc_kr", "", korean.EUCKR, koText},
		{"undeclared_1251", "", charmap.Windows1251, ruText},
		{"undeclared_koi8_r", "", charmap.KOI8R, ruText},
		{"undeclared_1252", "", charmap.Windows1252, frText},
		{"undeclared_utf_8", "", raw, zhText},
		{"undeclared_iso_2022_jp", "", japanese.ISO2022JP, jaText},
		{"us_ascii_label_on_utf_8", "us-ascii", raw, frText},
		{"us_ascii_label_on_gbk", "us-ascii", gb, zhText},
		{"iso_8859_1_label_on_utf_8", "iso-8859-1", raw, zhText},
		{"iso_8859_1_label_on_gbk", "iso-8859-1", gb, zhText},
		{"utf_8_label_on_gbk", "utf-8", gb, zhText},
		{"utf_8_label_on_latin_1", "utf-8", charmap.ISO8859_1, frText},
		{"gbk_label_on_utf_8", "gbk", raw, zhText},
		{"unknown_label_on_utf_8", "x-nonsense", raw, zhText},
		{"label_with_rubbish", "\"charset=GBK\"", gb, zhText},
		{"utf_8_with_bom", "utf-8", raw, "\ufeff" + zhText},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			head := "From: a@example.org\r\nSubject: x\r\nContent-Type: text/plain"
			if c.label != "" {
				head += "; charset=" + c.label
			}
			m, err := mail.Parse(append([]byte(head+"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"), enc(t, c.enc, c.text)...))
			if want := strings.TrimPrefix(c.text, "\ufeff"); err != nil || m.Text != want {
				t.Errorf("got  %q\nwant %q %v %v", m.Text, want, err, m.Problems)
			}
		})
	}
}

func TestCharsetsOfHeaders(t *testing.T) {
	gbk := enc(t, simplifiedchinese.GB18030, "订单的问题")
	b64 := base64.StdEncoding.EncodeToString
	utf8Split := []byte("咨询退款进度")
	cases := []struct{ name, raw, want string }{
		{"raw_gbk_subject", string(gbk), "订单的问题"},
		{"raw_utf_8_subject", "订单的问题", "订单的问题"},
		{"raw_latin_1_subject", string(enc(t, charmap.ISO8859_1, "Problème avec le café")), "Problème avec le café"},
		{"word_split_inside_character", "=?utf-8?B?" + b64(utf8Split[:7]) + "?=\r\n =?utf-8?B?" + b64(utf8Split[7:]) + "?=", "咨询退款进度"},
		{"gbk_word_split_inside_character", "=?gb2312?B?" + b64(gbk[:3]) + "?= =?GB2312?B?" + b64(gbk[3:]) + "?=", "订单的问题"},
		{"cp932_word", "=?cp932?B?" + b64(enc(t, japanese.ShiftJIS, "髙橋様の件①")) + "?=", "髙橋様の件①"},
		{"utf_8_label_on_gbk_word", "=?utf-8?B?" + b64(gbk) + "?=", "订单的问题"},
		{"utf_7_word", "=?utf-7?Q?Fr+APY-sche?=", "Frösche"},
		{"q_with_underscores", "=?iso-8859-1?Q?Gr=FC=DFe_aus_K=F6ln?=", "Grüße aus Köln"},
		{"word_with_spaces_inside", "=?utf-8?Q?Hello there=21?=", "Hello there!"},
		{"base64_without_padding", "=?utf-8?B?5L2g5aW9IQ?=", "你好!"},
		{"word_in_the_middle", "Re: =?utf-8?B?5L2g5aW9?= again", "Re: 你好 again"},
		{"broken_word_stays", "=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
		{"iso_2022_jp_words", "=?ISO-2022-JP?B?" + b64(enc(t, japanese.ISO2022JP, "お問い合わせ")) + "?=", "お問い合わせ"},
		{"nul_inside", "a\x00b", "ab"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, err := mail.Parse([]byte("Subject: " + c.raw + "\r\nFrom: a@example.org\r\n\r\nx"))
			if err != nil || m.Subject != c.want {
				t.Errorf("got %q want %q %v", m.Subject, c.want, err)
			}
		})
	}
}

// A subject is a few characters, and nobody says in which charset.
func TestShortUndeclared(t *testing.T) {
	cases := []struct {
		name  string
		enc   encoding.Encoding
		texts string
	}{
		{"gb18030", simplifiedchinese.GB18030, "你好|订单|退款|发票|咨询|Re: 订单12345|产品报价单|关于合同的问题|张伟|王芳|李娜|上海某某科技有限公司|附件：简历.pdf|屏幕碎了|什么时候发货？|投诉|没收到货|回复: 会议纪要"},
		{"big5", traditionalchinese.Big5, "你好|訂單|退款問題|發票|謝謝|產品報價單|王小明|什麼時候出貨？|台北市政府"},
		{"shift_jis", japanese.ShiftJIS, "こんにちは|注文について|お問い合わせ|請求書|商品が届きません|カタログ|田中太郎"},
		{"euc_jp", japanese.EUCJP, "こんにちは|注文について|お問い合わせ|商品が届きません|カタログ"},
		{"euc_kr", korean.EUCKR, "안녕하세요|주문|환불 문의|감사합니다|김철수"},
		{"windows_1251", charmap.Windows1251, "Привет|Заказ|Вопрос по заказу|Иван Петров|Где мой заказ?"},
		{"koi8_r", charmap.KOI8R, "Привет|Заказ|Вопрос по заказу|Иван Петров"},
		{"windows_1252", charmap.Windows1252, "Müller|café|Señor Núñez|Grüße|été|São Paulo|ÜBERWEISUNG|Ça va ?|Äpfel|«Bonjour»|10 €|it’s"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, s := range strings.Split(c.texts, "|") {
				m, _ := mail.Parse(append([]byte("From: a@x.org\nSubject: "), append(enc(t, c.enc, s), "\n\nx"...)...))
				if m.Subject != s {
					t.Errorf("got %q want %q", m.Subject, s)
				}
			}
		})
	}
}

func TestUTF7Body(t *testing.T) {
	m, _ := mail.Parse([]byte("Content-Type: text/plain; charset=utf-7\n\nHi +T2BZfQ- and 1 +- 1"))
	if m.Text != "Hi 你好 and 1 + 1" {
		t.Errorf("%q", m.Text)
	}
}

// Case 101, invalid_utf8_anywhere: every string can be stored, whatever bytes came.
func TestInvalidUTF8Anywhere(t *testing.T) {
	bad := "\xff\xfe\xc3\x28\xa0\x00\xed\xa0\x80"
	raw := strings.ReplaceAll("From: N@ <a@b.N@>\nTo: N@\nSubject: N@\nMessage-ID: <N@@x>\nReferences: <aN@@x>\nContent-Type: multipart/mixed; boundary=b\n\n"+
		"--b\nContent-Type: text/plain; charset=utf-8\n\nN@\n--b\nContent-Type: image/png; name=\"N@.png\"\nContent-ID: <N@>\n\nN@\n--b\nContent-Type: text/html\n\n<b>N@</b>\n--b--\n", "N@", "x"+bad+"y")
	m, err := mail.Parse([]byte(raw))
	if err != nil || m.Text == "" {
		t.Fatal(m.Text, err)
	}
	checkMail(t, "invalid_utf8_anywhere", m)
	if !bytes.Contains(m.Attachments[0].Data, []byte(bad)) {
		t.Error("the bytes of a file were changed")
	}
	if !utf8.ValidString(m.Header.Get("Subject")) {
		t.Error("a header is not valid UTF-8")
	}
}

// A few broken bytes do not turn UTF-8 into something else.
func TestTruncatedUTF8(t *testing.T) {
	b := []byte("Content-Type: text/plain; charset=utf-8\n\n" + zhText)
	m, _ := mail.Parse(b[:len(b)-1])
	if !strings.HasPrefix(m.Text, "您好，我的订单还没有收到") {
		t.Errorf("%q", m.Text)
	}
}
