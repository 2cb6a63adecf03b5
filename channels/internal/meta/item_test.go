package meta

import "testing"

func TestWhatIsNotKnownHasOneName(t *testing.T) {
	for fields, want := range map[string]string{`"":8,"20":{}`: "20", `"b":1,"a":2`: "a", `"":8`: "update", `"sender":{},"timestamp":1`: "update"} {
		for range 20 { // the order of a map is another each time
			if got := kindOf([]byte("{" + fields + "}")); got != want {
				t.Fatalf("{%s} is called %q, want %q", fields, got, want)
			}
		}
	}
}
