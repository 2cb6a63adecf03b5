package mail

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// extensions gives files without a name one that fits their type.
var extensions = map[string]string{
	"text/plain": ".txt", "text/html": ".html", "text/csv": ".csv", "text/calendar": ".ics", "application/ics": ".ics",
	"text/vcard": ".vcf", "text/x-vcard": ".vcf", "text/xml": ".xml", "text/rfc822-headers": ".txt",
	"message/rfc822": ".eml", "message/global": ".eml", "message/delivery-status": ".txt",
	"message/disposition-notification": ".txt", "message/feedback-report": ".txt",
	"image/png": ".png", "image/jpeg": ".jpg", "image/jpg": ".jpg", "image/gif": ".gif", "image/webp": ".webp",
	"image/svg+xml": ".svg", "image/bmp": ".bmp", "image/tiff": ".tiff", "image/heic": ".heic",
	"audio/mpeg": ".mp3", "audio/wav": ".wav", "audio/x-wav": ".wav", "audio/ogg": ".ogg", "audio/amr": ".amr", "audio/mp4": ".m4a",
	"video/mp4": ".mp4", "video/quicktime": ".mov", "video/3gpp": ".3gp", "video/webm": ".webm",
	"application/pdf": ".pdf", "application/zip": ".zip", "application/json": ".json", "application/xml": ".xml",
	"application/msword": ".doc", "application/vnd.ms-excel": ".xls", "application/vnd.ms-powerpoint": ".ppt", "application/rtf": ".rtf",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   ".docx",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         ".xlsx",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
	"application/ms-tnef": ".dat", "application/vnd.ms-tnef": ".dat", "application/pkcs7-mime": ".p7m",
	"application/x-pkcs7-mime": ".p7m", "application/pkcs7-signature": ".p7s", "application/x-pkcs7-signature": ".p7s",
	"application/pgp-signature": ".asc", "application/pgp-encrypted": ".asc", "application/pgp-keys": ".asc",
}

// SafeName makes a file's name safe to write to any disk and to show: no path, no device name of
// Windows, nothing invisible or reversing, at most 120 characters, never empty. The type names
// a file without a name.
func SafeName(name, mime string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case isBidi(r), unicode.Is(unicode.Cf, r) && r != '\u200d':
			return -1
		case unicode.IsControl(r), unicode.IsSpace(r):
			return ' '
		case strings.ContainsRune(`<>"|?*`, r):
			return '_'
		}
		return r
	}, sanitise(name))
	name = strings.ReplaceAll(lastOfPath(name), ":", "_")
	name = strings.Trim(oneLine(name), ". ")
	if name == "" {
		name = derivedName(mime)
	}
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	if device(strings.TrimSpace(stem)) {
		name = "_" + name
	}
	return shorten(name)
}

// lastOfPath drops folders. A slash that is no path, as in "invoice 1/2", becomes a line.
func lastOfPath(name string) string {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '\\' })
	if len(parts) == 0 {
		return ""
	}
	path := strings.HasPrefix(name, "/") || strings.HasPrefix(name, `\`)
	for _, s := range parts {
		s = strings.TrimSpace(s)
		path = path || s == "." || s == ".." || (len(s) == 2 && s[1] == ':')
	}
	if path || len(parts) > 3 {
		return parts[len(parts)-1]
	}
	return strings.Join(parts, "_")
}

func device(stem string) bool {
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	return len(stem) == 4 && (strings.HasPrefix(stem, "COM") || strings.HasPrefix(stem, "LPT")) && stem[3] >= '0' && stem[3] <= '9'
}

func derivedName(mime string) string {
	kind, _, _ := strings.Cut(mime, "/")
	ext, ok := extensions[mime]
	switch {
	case mime == "application/ms-tnef" || mime == "application/vnd.ms-tnef":
		return "winmail.dat"
	case mime == "text/calendar" || mime == "application/ics":
		return "invite.ics"
	case mime == "message/delivery-status":
		return "delivery-status.txt"
	case mime == "application/pgp-signature" || strings.HasSuffix(mime, "pkcs7-signature"):
		return "signature" + ext
	case kind == "image" || kind == "audio" || kind == "video" || kind == "message":
		return kind + ext
	case ok:
		return "attachment" + ext
	case kind == "text":
		return "attachment.txt"
	}
	return "attachment.bin"
}

// shorten cuts a long name and keeps its extension.
func shorten(name string) string {
	if len(name) <= maxName {
		return name
	}
	ext := ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 20 {
		name, ext = name[:i], name[i:]
	}
	room := maxName - utf8.RuneCountInString(ext)
	size := 2*maxName - len(ext)
	for i := range name {
		if room--; room < 0 || i+utf8.UTFMax > size {
			return strings.TrimSpace(name[:i]) + ext
		}
	}
	return name + ext
}

// unique numbers a name that is taken: "a.png", "a (2).png". Disks that fold case count.
func unique(name string, taken map[string]bool) string {
	stem, ext := name, ""
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		stem, ext = name[:i], name[i:]
	}
	for n := 2; taken[strings.ToLower(name)]; n++ {
		name = fmt.Sprintf("%s (%d)%s", stem, n, ext)
	}
	taken[strings.ToLower(name)] = true
	return name
}

// isBidi reports the marks that reverse the order text is shown in, with which "exe" is made
// to look like "txt".
func isBidi(r rune) bool {
	return r == '\u061c' || r >= '\u200e' && r <= '\u200f' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

func stripBidi(s string) string {
	if strings.IndexFunc(s, isBidi) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if isBidi(r) {
			return -1
		}
		return r
	}, s)
}
