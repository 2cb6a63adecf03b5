package graph

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

// field is one of a list such as a,b{c},d.limit(5){e}.
type field struct {
	name string
	args map[string]string
	sub  []field
}

// parseFields reads a field expansion.
func parseFields(s string) ([]field, *world.Error) {
	p := fieldParser{s: strings.TrimSpace(s)}
	out := p.list()
	if p.bad || p.i != len(p.s) {
		return nil, &world.Error{Status: 400, Code: 2500, Message: "Syntax error \"Expected end of string instead of \"" + p.rest() + "\".\" at character " + strconv.Itoa(p.i) + ": " + s}
	}
	return out, nil
}

type fieldParser struct {
	s   string
	i   int
	bad bool
}

func (p *fieldParser) rest() string { return p.s[min(p.i, len(p.s)):] }

func (p *fieldParser) eat(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *fieldParser) word() string {
	start := p.i
	for p.i < len(p.s) && strings.IndexByte("{}(),.", p.s[p.i]) < 0 {
		p.i++
	}
	return strings.TrimSpace(p.s[start:p.i])
}

func (p *fieldParser) list() []field {
	var out []field
	for !p.bad && p.i < len(p.s) && p.s[p.i] != '}' {
		f := field{name: p.word(), args: map[string]string{}}
		if f.name == "" {
			p.bad = true
			break
		}
		for !p.bad && p.eat('.') {
			key := p.word()
			if !p.eat('(') {
				p.bad = true
				break
			}
			end := strings.IndexByte(p.s[p.i:], ')')
			if end < 0 {
				p.bad = true
				break
			}
			f.args[key] = p.s[p.i : p.i+end]
			p.i += end + 1
		}
		if p.eat('{') {
			f.sub = p.list()
			p.bad = p.bad || !p.eat('}')
		}
		out = append(out, f)
		if !p.eat(',') {
			break
		}
	}
	return out
}

func names(s string) []field {
	var out []field
	for _, n := range strings.Split(s, ",") {
		out = append(out, field{name: n, args: map[string]string{}})
	}
	return out
}

// node is something with an id and fields. get answers a field, wire.Skip for one that has no
// value here; known is false for one that the node does not have.
type node struct {
	kind     string
	id       string
	defaults string
	get      func(c *call, f field) (v any, known bool, err *world.Error)
}

// render writes a node's fields. The id is always among them.
func (c *call) render(n node, fields []field) (wire.Obj, *world.Error) {
	if len(fields) == 0 {
		fields = names(n.defaults)
	}
	o, hasID := wire.Obj{}, false
	for _, f := range fields {
		if f.name == "id" {
			o, hasID = o.With("id", n.id), true
			continue
		}
		v, known, err := n.get(c, f)
		if err != nil {
			return nil, err
		}
		if !known {
			return nil, world.BadParam("Tried accessing nonexisting field (%s) on node type (%s)", f.name, n.kind)
		}
		o = o.With(f.name, v)
	}
	if !hasID {
		o = o.With("id", n.id)
	}
	return o, nil
}

// edge is a list of nodes with the path it is read at.
type edge struct {
	path     string
	nodes    []node
	limit    int  // page size where none is asked for; 25
	most     int  // largest page size; 100
	same     bool // the after cursor is the same on each page, as hashtags have it
	noBefore bool
}

// page writes one page of an edge.
func (c *call) page(e edge, f field) (wire.Obj, *world.Error) {
	limit := e.limit
	if limit == 0 {
		limit = 25
	}
	if n, err := strconv.Atoi(f.args["limit"]); err == nil && n > 0 {
		limit = n
	}
	if e.most == 0 {
		e.most = 100
	}
	limit = min(limit, e.most)
	start, end, err := c.bounds(e, f, limit)
	if err != nil {
		return nil, err
	}
	data := []any{}
	for _, n := range e.nodes[start:end] {
		o, err := c.render(n, f.sub)
		if err != nil {
			return nil, err
		}
		data = append(data, o)
	}
	out := wire.O("data", data)
	if len(data) == 0 {
		return out, nil
	}
	return out.With("paging", c.paging(e, f, start, end, limit)), nil
}

func (c *call) paging(e edge, f field, start, end, limit int) wire.Obj {
	before, after := cursor(e.nodes[start].id), cursor(e.nodes[end-1].id)
	if e.same {
		after = cursor("hashtag" + e.path)
		c.api.cursors.advance(after+c.token.Value, end)
	}
	cursors := wire.O("after", after)
	if !e.noBefore {
		cursors = append(wire.O("before", before), cursors...)
	}
	paging := wire.O("cursors", cursors)
	if end < len(e.nodes) {
		paging = paging.With("next", c.link(e, f, limit, "after", after))
	}
	if start > 0 && !e.noBefore {
		paging = paging.With("previous", c.link(e, f, limit, "before", before))
	}
	return paging
}

func (c *call) bounds(e edge, f field, limit int) (int, int, *world.Error) {
	n := len(e.nodes)
	find := func(cur string) (int, *world.Error) {
		for i, x := range e.nodes {
			if cursor(x.id) == cur {
				return i, nil
			}
		}
		return 0, world.BadParam("Invalid cursor")
	}
	switch {
	case f.args["after"] != "" && e.same:
		start := min(c.api.cursors.at(f.args["after"]+c.token.Value), n)
		return start, min(start+limit, n), nil
	case f.args["after"] != "":
		i, err := find(f.args["after"])
		return min(i+1, n), min(i+1+limit, n), err
	case f.args["before"] != "":
		i, err := find(f.args["before"])
		return max(0, i-limit), i, err
	}
	return 0, min(limit, n), nil
}

func cursor(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

// link is the address of another page, with the token in it as Graph gives it out.
func (c *call) link(e edge, f field, limit int, way, cur string) string {
	q := url.Values{"access_token": {c.token.Value}, "limit": {strconv.Itoa(limit)}, way: {cur}}
	for k, v := range f.args {
		if k != "limit" && k != "after" && k != "before" {
			q.Set(k, v)
		}
	}
	if len(f.sub) > 0 {
		q.Set("fields", writeFields(f.sub))
	}
	root := c.api.w.Base() + c.prefix
	if c.version != "" {
		root += "/" + c.version
	}
	return root + e.path + "?" + q.Encode()
}

func writeFields(list []field) string {
	var out []string
	for _, f := range list {
		s := f.name
		for _, k := range []string{"limit", "after", "before", "username", "comment_id", "media_id"} {
			if v := f.args[k]; v != "" {
				s += "." + k + "(" + v + ")"
			}
		}
		if len(f.sub) > 0 {
			s += "{" + writeFields(f.sub) + "}"
		}
		out = append(out, s)
	}
	return strings.Join(out, ",")
}

// asField turns the arguments of a call on an edge into the form a nested edge has.
func (c *call) asField(name string) (field, *world.Error) {
	sub, err := parseFields(c.p.str("fields"))
	f := field{name: name, sub: sub, args: map[string]string{}}
	for _, k := range []string{"limit", "after", "before", "user_id", "platform", "folder"} {
		if v := c.p.str(k); v != "" {
			f.args[k] = v
		}
	}
	return f, err
}
