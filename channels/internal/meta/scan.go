package meta

import "bytes"

// The functions here walk through JSON that encoding/json has found valid, without decoding
// it: the parts of a batch keep their bytes, and those that are not looked at cost little.

// fields calls f with each name and value of an object. Names are as written, without quotes;
// the names that matter hold no escapes. A value that is no object has no fields.
func fields(obj []byte, f func(name, value []byte)) {
	i := space(obj, 0)
	if i >= len(obj) || obj[i] != '{' {
		return
	}
	for i = space(obj, i+1); i < len(obj) && obj[i] == '"'; i = space(obj, i+1) {
		end := skip(obj, i)
		name := obj[i+1 : end-1]
		at := space(obj, space(obj, end)+1) // past the colon
		end = skip(obj, at)
		f(name, obj[at:end])
		if i = space(obj, end); i >= len(obj) || obj[i] != ',' {
			return
		}
	}
}

// Field is the value of a field of a JSON object, or of a field of that field and so on;
// nil where there is none. The object must be valid, as an update's Raw is.
func Field(obj []byte, path ...string) []byte {
	for _, want := range path {
		var found []byte
		fields(obj, func(name, value []byte) {
			if string(name) == want {
				found = value
			}
		})
		if obj = found; obj == nil {
			return nil
		}
	}
	return obj
}

// Plain is a JSON string without its quotes, or a number as written; anything else is empty.
func Plain(b []byte) string { return plain(b) }

// elements calls f with each element of an array. A single value that is no array counts as
// its only element; null has none.
func elements(arr []byte, f func(value []byte)) {
	i := space(arr, 0)
	if i >= len(arr) || arr[i] == 'n' {
		return
	}
	if arr[i] != '[' {
		f(arr[i:])
		return
	}
	for i = space(arr, i+1); i < len(arr) && arr[i] != ']'; i = space(arr, i+1) {
		end := skip(arr, i)
		f(arr[i:end])
		if i = space(arr, end); i >= len(arr) || arr[i] != ',' {
			return
		}
	}
}

// space is the first place at or after i that is no white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skip is the place after the value that begins at i.
func skip(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = quoted(b, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1
			}
		default:
			if depth == 0 {
				return scalar(b, i)
			}
		}
		i++
	}
	return len(b)
}

// quoted is the place after the string that begins at i.
func quoted(b []byte, i int) int {
	for i++; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return len(b)
		}
		slashes := 0
		for k := i + n - 1; k >= i && b[k] == '\\'; k-- {
			slashes++
		}
		if i += n; slashes%2 == 0 {
			return i + 1
		}
	}
	return len(b)
}

// scalar is the place after the number or word that begins at i.
func scalar(b []byte, i int) int {
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] != ' ' && b[i] != '\n' && b[i] != '\t' && b[i] != '\r' {
		i++
	}
	return i
}
