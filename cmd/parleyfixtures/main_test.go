package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheLastLineIsForPrograms(t *testing.T) {
	if _, err := find(""); err != nil {
		t.Skip("FIXTURES NOT FOUND: ", err)
	}
	var out bytes.Buffer
	if err := run("", true, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var f figures
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &f); err != nil {
		t.Fatal(err)
	}
	if f.InstagramVisible < 49 || f.InstagramDropped != 0 || f.EmailFields < leastFields || f.RepliesRight < leastReplies {
		t.Errorf("%+v", f)
	}
}

func TestAFolderThatIsNotThereIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nothing")
	if err := run(dir, false, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("%v", err)
	}
}
