package seal

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KeyFile is the name of the generated key's file in the data folder.
const KeyFile = "key"

// Load makes the box of an installation. env is the setting PARLEY_KEY: one or more keys
// of 32 bytes in base64 or hex, separated by commas, the present one first. Where it is
// empty, the key is read from the data folder, and made there on the first start.
func Load(env, dir string) (*Box, error) {
	if strings.TrimSpace(env) == "" {
		text, err := keyFile(filepath.Join(dir, KeyFile))
		if err != nil {
			return nil, err
		}
		env = text
	}
	var keys [][]byte
	for i, f := range strings.Split(env, ",") {
		k, err := decode(strings.TrimSpace(f))
		if err != nil {
			return nil, fmt.Errorf("seal: PARLEY_KEY, key %d: %w", i+1, err)
		}
		keys = append(keys, k)
	}
	return New(keys...)
}

// decode reads one key. Its errors never hold the text.
func decode(s string) ([]byte, error) {
	if k, err := hex.DecodeString(s); err == nil && len(k) == KeySize {
		return k, nil
	}
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	if k, err := base64.RawStdEncoding.DecodeString(s); err == nil && len(k) == KeySize {
		return k, nil
	}
	return nil, fmt.Errorf("want %d bytes in base64 or hex, such as openssl rand -base64 32 prints", KeySize)
}

func keyFile(path string) (string, error) {
	for range 2 {
		text, err := readKey(path)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
		if err := makeKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	return readKey(path)
}

func readKey(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("seal: reading the key file: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("seal: others may read the key file %s: run chmod 600 on it", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("seal: reading the key file: %w", err)
	}
	return string(b), nil
}

// makeKey writes a new key whole or not at all: a link never replaces a file that another
// process made first.
func makeKey(path string) error {
	raw := make([]byte, KeySize)
	if _, err := rand.Read(raw); err != nil {
		return fmt.Errorf("seal: drawing a key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("seal: making the data folder: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // 0600
	if err != nil {
		return fmt.Errorf("seal: making the key file: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already where it got its name
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(raw) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("seal: writing the key file: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("seal: syncing the data folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("seal: syncing the data folder: %w", err)
	}
	return nil
}
