package config

import (
	"fmt"
	"net/url"
	"strings"
)

// setIssuer reads a provider's address, to the letter: the provider's tokens repeat it.
func setIssuer(to *string, v string) error {
	if v != "" {
		u, err := url.Parse(v)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("must be an address such as https://login.example.org, without user, query and fragment")
		}
	}
	*to = v
	return nil
}

// setPairs reads a=b,c=d.
func setPairs(to *map[string]string, v string) error {
	m := map[string]string{}
	for _, pair := range split(v) {
		name, value, ok := strings.Cut(pair, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || value == "" {
			return fmt.Errorf("%q must be value=role", pair)
		}
		if _, twice := m[name]; twice {
			return fmt.Errorf("%q is there twice", name)
		}
		m[name] = value
	}
	*to = m
	return nil
}

func setDomains(to *[]string, v string) error {
	var list []string
	for _, d := range split(v) {
		d = strings.ToLower(d)
		if strings.ContainsAny(d, "@/: *") || !strings.Contains(d, ".") {
			return fmt.Errorf("%q must be a domain such as example.org", d)
		}
		list = append(list, d)
	}
	*to = list
	return nil
}
