package blob

import (
	"bytes"
	"mime"
	"net/http"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/parley-hub/parley/timeline"
)

// sniffBytes is how much of a file its type is read from.
const sniffBytes = 1024

// magic are the types that net/http does not know. Order matters.
var magic = []struct {
	at   int
	sign string
	mime string
}{
	{0, "MZ", "application/x-msdownload"},
	{0, "\x7fELF", "application/x-executable"},
	{0, "\xfe\xed\xfa\xce", "application/x-mach-binary"},
	{0, "\xfe\xed\xfa\xcf", "application/x-mach-binary"},
	{0, "\xce\xfa\xed\xfe", "application/x-mach-binary"},
	{0, "\xcf\xfa\xed\xfe", "application/x-mach-binary"},
	{0, "\xca\xfe\xba\xbe", "application/x-mach-binary"},
	{0, "#!", "text/x-shellscript"},
	{0, "7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"},
	{0, "fLaC", "audio/flac"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"},
	{4, "ftypheic", "image/heic"},
	{4, "ftypheix", "image/heic"},
	{4, "ftypmif1", "image/heic"},
	{4, "ftypavif", "image/avif"},
	{4, "ftypM4A", "audio/mp4"},
	{4, "ftypqt", "video/quicktime"},
}

// office are the documents that are zip archives; the name decides between them.
var office = map[string]string{
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text",
	".ods":  "application/vnd.oasis.opendocument.spreadsheet",
}

// plain are the texts that are named by their ending; all of them are served as downloads.
var plain = map[string]string{".csv": "text/csv", ".json": "application/json", ".md": "text/markdown", ".ics": "text/calendar", ".vcf": "text/vcard"}

// Sniff tells the type of a file from its first bytes. The name only chooses between
// types that look alike and are equally harmless.
func Sniff(start []byte, name string) string {
	for _, m := range magic {
		if len(start) >= m.at+len(m.sign) && string(start[m.at:m.at+len(m.sign)]) == m.sign {
			return m.mime
		}
	}
	if scripted(start) {
		return "image/svg+xml"
	}
	kind, _, err := mime.ParseMediaType(http.DetectContentType(start))
	if err != nil {
		return "application/octet-stream"
	}
	ext := strings.ToLower(path.Ext(name))
	switch {
	case kind == "application/zip" && office[ext] != "":
		return office[ext]
	case kind == "text/plain" && plain[ext] != "":
		return plain[ext]
	case kind == "application/ogg":
		return "audio/ogg"
	case kind == "video/webm" && strings.HasPrefix(ext, ".weba"):
		return "audio/webm"
	}
	return kind
}

// scripted finds SVG behind comments, declarations and byte order marks.
func scripted(start []byte) bool {
	low := bytes.ToLower(start)
	return bytes.Contains(low, []byte("<svg")) && utf8.Valid(low[:min(len(low), 64)]) && bytes.HasPrefix(bytes.TrimLeft(low, "\xef\xbb\xbf \t\r\n"), []byte("<"))
}

func kindOf(mime string) timeline.PartKind {
	switch top, _, _ := strings.Cut(mime, "/"); {
	case mime == "image/svg+xml":
		return timeline.PartFile
	case top == "image":
		return timeline.PartImage
	case top == "video":
		return timeline.PartVideo
	case top == "audio":
		return timeline.PartAudio
	}
	return timeline.PartFile
}

// inline are the types a browser may draw on its own; everything else is a download.
var inline = map[string]bool{"image/jpeg": true, "image/png": true, "image/gif": true, "image/webp": true, "image/avif": true,
	"audio/mpeg": true, "audio/mp4": true, "audio/ogg": true, "audio/wave": true, "audio/webm": true, "audio/flac": true,
	"video/mp4": true, "video/webm": true}

// Headers are what a file is served with: the browser runs nothing, guesses nothing, and
// saves whatever it could run.
func Headers(p timeline.Part) http.Header {
	h := http.Header{}
	disposition := "attachment"
	if inline[p.MIME] {
		disposition = "inline"
		h.Set("Content-Type", p.MIME)
	} else {
		h.Set("Content-Type", "application/octet-stream")
	}
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": SafeName(p.Name)}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Referrer-Policy", "no-referrer")
	return h
}

// nameBytes is how long a file's name may be.
const nameBytes = 120

// reserved are names that some systems give to devices.
var reserved = map[string]bool{"con": true, "prn": true, "aux": true, "nul": true}

// SafeName makes a file's name harmless: one path element, nothing invisible, nothing that
// turns the direction of writing, no device, not too long. Its ending is kept.
func SafeName(name string) string {
	name = strings.ToValidUTF8(name, "")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return -1
		case strings.ContainsRune(`<>:"|?*;%`, r):
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(name, ". ")
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	stem = strings.TrimSpace(stem)
	if reserved[stem] || len(stem) == 4 && (stem[:3] == "com" || stem[:3] == "lpt") && stem[3] >= '0' && stem[3] <= '9' {
		name = "_" + name
	}
	if name == "" {
		return "file"
	}
	return shorten(name)
}

func shorten(name string) string {
	if len(name) <= nameBytes {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > 16 {
		ext = ""
	}
	cut := nameBytes - len(ext)
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strings.TrimRight(name[:cut], ". ") + ext
}
