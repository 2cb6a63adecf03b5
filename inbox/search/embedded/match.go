package embedded

import (
	"context"
	"strings"

	"github.com/parley-hub/parley/inbox/search/text"
	"github.com/parley-hub/parley/internal/store/sqlfile"
)

// quote is a word or phrase in the language of the index.
func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// expression is a query in the language of the index; empty where it asks for nothing.
func (k *kind) expression(ctx context.Context, c *sqlfile.Conn, q text.Query) (string, error) {
	var must, not []string
	for _, u := range q.Units {
		e, err := k.unit(ctx, c, u)
		if err != nil {
			return "", err
		}
		if u.Not {
			not = append(not, e)
		} else {
			must = append(must, e)
		}
	}
	if len(must) == 0 {
		return "", nil
	}
	out := strings.Join(must, " AND ")
	if len(not) > 0 {
		out = "(" + out + ") NOT (" + strings.Join(not, " OR ") + ")"
	}
	return out, nil
}

// unit is one thing asked for, in every form that will do.
func (k *kind) unit(ctx context.Context, c *sqlfile.Conn, u text.Unit) (string, error) {
	if len(u.Tokens) == 1 && u.Tokens[0].Kind == text.Word && !u.Exact {
		return k.word(ctx, c, u)
	}
	var either []string
	terms, open := u.Terms()
	switch {
	case u.Loose:
		var all []string
		for i, t := range terms {
			all = append(all, anywhere(t, open && i == len(terms)-1))
		}
		either = append(either, "("+strings.Join(all, " AND ")+")")
	case len(terms) == 1 && !u.Exact && u.Tokens[0].Kind == text.Number:
		either = append(either, anywhere(terms[0], open))
	default:
		either = append(either, "body : "+quote(strings.Join(terms, " "))+star(open))
	}
	if u.Joined != "" {
		either = append(either, anywhere(u.Joined, u.Prefix))
	}
	if u.Tail != "" {
		either = append(either, "extra : "+quote(u.Tail))
	}
	return oneOf(either), nil
}

// anywhere looks for a word in the text and among its compounds.
func anywhere(term string, open bool) string {
	return "{body extra} : " + quote(term) + star(open)
}

func star(open bool) string {
	if open {
		return " *"
	}
	return ""
}

func oneOf(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return "(" + strings.Join(list, " OR ") + ")"
}

// word is a word, what it may become, and what was meant.
func (k *kind) word(ctx context.Context, c *sqlfile.Conn, u text.Unit) (string, error) {
	term := u.Tokens[0].Term
	forms := []string{term}
	if u.Prefix {
		more, err := k.words.becomes(ctx, c, term)
		if err != nil {
			return "", err
		}
		for _, m := range more {
			if m != term {
				forms = append(forms, m)
			}
		}
	}
	if u.Plain() && len(forms) <= 2 {
		meant, err := k.words.meant(ctx, c, term)
		if err != nil {
			return "", err
		}
		forms = append(forms, meant...)
	}
	for i := range forms {
		forms[i] = quote(forms[i])
	}
	return "{body extra} : " + oneOf(forms), nil
}
