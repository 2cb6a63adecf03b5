package config

import (
	"fmt"
	"strings"
)

// Markdown is the table of all settings, as docs/configuration.md has it.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| setting | default | |\n|---|---|---|\n")
	for _, s := range Settings {
		help := s.Help
		if len(s.Choices) > 0 {
			help += " One of " + strings.Join(s.Choices, ", ") + "."
		}
		if s.Example != "" {
			help += " Example: `" + s.Example + "`."
		}
		def := ""
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, def, help)
	}
	return b.String()
}
