package parley

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strings"
	"testing"
)

// TestDocumented fails for a package without a doc comment and for an exported name
// without one. The comment of a group serves all its names.
func TestDocumented(t *testing.T) {
	packages := map[string]bool{}
	walkGo(t, func(p string) {
		if strings.HasSuffix(p, "_test.go") {
			return
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(p)
		packages[dir] = packages[dir] || f.Doc != nil
		if f.Name.Name == "main" {
			return
		}
		for _, d := range f.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s: exported %s has no doc comment", fset.Position(d.Pos()), name)
			}
		}
	})
	for dir, ok := range packages {
		if !ok {
			t.Errorf("package %s has no doc comment", dir)
		}
	}
}

func undocumented(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) && !wellKnown(d) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		if d.Doc != nil || d.Tok == token.IMPORT {
			return nil
		}
		var names []string
		for _, s := range d.Specs {
			names = append(names, undocumentedSpec(s)...)
		}
		return names
	}
	return nil
}

func undocumentedSpec(s ast.Spec) []string {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Doc == nil && s.Comment == nil && s.Name.IsExported() {
			return []string{s.Name.Name}
		}
	case *ast.ValueSpec:
		if s.Doc != nil || s.Comment != nil {
			return nil
		}
		for _, n := range s.Names {
			if n.IsExported() {
				return []string{n.Name}
			}
		}
	}
	return nil
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

// wellKnown names methods whose meaning is an interface's of the standard library.
func wellKnown(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return false
	}
	switch d.Name.Name {
	case "Error", "Unwrap", "Is", "String", "GoString", "LogValue", "MarshalJSON", "UnmarshalJSON", "MarshalText",
		"UnmarshalText", "Len", "Less", "Swap", "Close", "Read", "Write", "ServeHTTP", "MarshalBSONValue", "UnmarshalBSONValue":
		return true
	}
	return false
}
