package blob

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/oklog/ulid/v2"
)

// s3Script starts a real S3 server; s3Bin is the folder it is installed in by make test-s3.
const (
	s3Script = "../../deploy/s3/s3.sh"
	s3Bin    = "../../build/bin"
)

// s3Server is the server of this run: its address with credentials, "" if there is none.
var s3Server = sync.OnceValues(func() (string, error) {
	if at := os.Getenv("PARLEY_TEST_S3"); at != "" {
		return at, nil
	}
	if _, err := os.Stat(filepath.Join(s3Bin, "versitygw")); err != nil {
		return "", nil
	}
	dir, err := os.MkdirTemp("", "parley-s3-")
	if err != nil {
		return "", err
	}
	s3Started = dir
	out, err := exec.Command(s3Script, "start", s3Bin, dir).Output()
	return strings.TrimSpace(string(out)), err
})

// s3Started is the folder of a server that this run started.
var s3Started string

func TestMain(m *testing.M) {
	code := m.Run()
	if s3Started != "" {
		if err := exec.Command(s3Script, "stop", s3Started).Run(); err != nil {
			fmt.Fprintln(os.Stderr, "the S3 server was not stopped:", err)
			code = 1
		}
		if err := os.RemoveAll(s3Started); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// s3Config is a place of this test's own on the real server.
func s3Config(t testing.TB) S3Config {
	t.Helper()
	at, err := s3Server()
	if err != nil {
		t.Fatal("starting the S3 server:", err)
	}
	if at == "" {
		t.Skip("SKIPPED: NO S3 SERVER. Run make test-s3, or name one: PARLEY_TEST_S3=http://key:secret@host:port/bucket")
	}
	u, err := url.Parse(at)
	if err != nil || u.User == nil {
		t.Fatalf("PARLEY_TEST_S3 must be http://key:secret@host:port/bucket: %v", err)
	}
	secret, _ := u.User.Password()
	return S3Config{Endpoint: u.Scheme + "://" + u.Host, Bucket: strings.Trim(u.Path, "/"), AccessKey: u.User.Username(), Secret: secret,
		Prefix: "test/" + ulid.Make().String()}
}

func openS3(t testing.TB, c S3Config) *S3 {
	t.Helper()
	s, err := OpenS3(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
