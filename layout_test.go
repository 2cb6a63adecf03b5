package parley

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/parley-hub/parley/"

// layout says what each folder may import from this module; see docs/architecture.md. The
// longest matching folder decides. A rule "x" allows x and everything below it; "=x" allows
// x alone. It reads the files itself rather than asking go list, so that go test sees what
// it depends on and does not answer from its cache.
var layout = map[string][]string{
	"timeline":             {},
	"channels":             {"timeline", "=channels", "channels/internal"},
	"channels/channeltest": {"timeline", "=channels"},
	"channels/all":         {"channels"},
	"channels/internal":    {"timeline", "=channels"},
	"inbox":                {"timeline"},
	"inbox/journal":        {"=inbox", "timeline", "internal"},
	"inbox/continuity":     {"=inbox", "timeline", "internal"},
	"inbox/realtime":       {"=inbox", "timeline", "internal"},
	"inbox/views":          {"=inbox", "timeline", "internal"},
	"inbox/replies":        {"timeline"},
	"inbox/hours":          {},
	"inbox/search":         {"=inbox", "inbox/search", "timeline", "internal"},
	"internal":             {"timeline", "internal"},
	"internal/bus":         {"timeline"},
	"internal/store":       {"=inbox", "timeline", "internal/store"},
	"internal/gateway":     {"=channels", "timeline", "internal"},
	"web":                  {"timeline", "=channels", "inbox", "internal", "web"},
	"cmd":                  {"timeline", "channels", "inbox", "internal", "web", "cmd"},
}

// owners says who alone may import a package from outside, and why.
var owners = map[string]string{
	"github.com/segmentio/kafka-go":        "internal/bus",
	"github.com/twmb/franz-go":             "internal/bus",
	"go.mongodb.org/mongo-driver/v2/mongo": "internal/store",
	"modernc.org/sqlite":                   "internal/store",
	"github.com/danielgtaylor/huma/v2":     "web",
}

func TestLayout(t *testing.T) {
	walkGo(t, func(p string) {
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(p)
		for _, s := range f.Imports {
			imp, err := strconv.Unquote(s.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			checkOurs(t, p, dir, imp)
			checkOwner(t, p, dir, imp)
		}
	})
}

func checkOurs(t *testing.T, p, dir, imp string) {
	in, ours := strings.CutPrefix(imp, module)
	if !ours || in == dir {
		return
	}
	may, ok := rule(dir)
	switch {
	case !ok:
		t.Errorf("%s: folder %s has no rule in the layout table; add one with its reason to docs/architecture.md", p, dir)
	case strings.HasSuffix(p, "_test.go") && testHelper(in):
	case !allowed(dir, in, may):
		t.Errorf("%s imports %s; %s may import only %v", p, imp, dir, may)
	}
}

// testHelper names packages any test may use.
func testHelper(in string) bool {
	return in == "channels/channeltest" || in == "internal/store/storetest" || in == "inbox/search/searchtest"
}

func checkOwner(t *testing.T, p, dir, imp string) {
	for pkg, owner := range owners {
		if !strings.HasPrefix(imp, pkg) {
			continue
		}
		if dir != owner && !strings.HasPrefix(dir, owner+"/") {
			t.Errorf("%s imports %s; only %s may", p, imp, owner)
		}
	}
}

func rule(dir string) ([]string, bool) {
	for d := dir; d != "."; d = path.Dir(d) {
		if may, ok := layout[d]; ok {
			return may, true
		}
	}
	return nil, false
}

// allowed reports whether a folder may import another. Sub-packages of one's own folder are one's
// own, except below channels and inbox themselves, which are contracts.
func allowed(dir, in string, may []string) bool {
	if in == adapter(dir) || strings.HasPrefix(in, adapter(dir)+"/") {
		return dir != "channels" && dir != "inbox"
	}
	for _, m := range may {
		if exact, ok := strings.CutPrefix(m, "="); ok {
			if in == exact {
				return true
			}
			continue
		}
		if in == m || strings.HasPrefix(in, m+"/") {
			return true
		}
	}
	return false
}

// adapter is the folder of the adapter that a folder belongs to; any other folder is its own.
func adapter(dir string) string {
	if parts := strings.Split(dir, "/"); len(parts) > 2 && parts[0] == "channels" {
		return path.Join(parts[:2]...)
	}
	return dir
}

// walkGo calls f for every Go file of this module.
func walkGo(t *testing.T, f func(path string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "build" || d.Name() == "testdata" || otherModule(p)) {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(p, ".go") {
			f(filepath.ToSlash(p))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func otherModule(dir string) bool {
	m, err := filepath.Glob(filepath.Join(dir, "go.mod"))
	return err == nil && len(m) > 0 && dir != "."
}
