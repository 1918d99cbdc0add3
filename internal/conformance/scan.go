package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// place is where a number stands: a declaration of a test file.
type place struct {
	number int
	// file is relative to the module, with slashes; decl is the function or variable; line is for complaints.
	file, decl string
	line       int
}

func (p place) String() string { return p.file + ": " + p.decl }

var (
	// numbered is how a literal carries a number, meant is what was probably meant to.
	numbered = regexp.MustCompile(`^case (\d+): `)
	meant    = regexp.MustCompile(`^[Cc]ases? \d`)
)

// scan finds the numbers in all test files below root. What nearly is a number comes back as a complaint.
func scan(root string) (places []place, complaints []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return entered(root, path, d.Name())
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		found, wrong, err := scanFile(path, filepath.ToSlash(file))
		places, complaints = append(places, found...), append(complaints, wrong...)
		return err
	})
	return places, complaints, err
}

// entered leaves out the directories that the go tool leaves out, and what make writes.
func entered(root, path, name string) error {
	hidden := strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
	if path != root && (hidden || slices.Contains([]string{"testdata", "vendor", "bin", "dist"}, name)) {
		return filepath.SkipDir
	}
	return nil
}

func scanFile(path, file string) (places []place, complaints []string, err error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range parsed.Decls {
		name := nameOf(d)
		ast.Inspect(d, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			p := place{file: file, decl: name, line: fset.Position(lit.Pos()).Line}
			if p.number, ok = numberIn(lit.Value); ok && !strings.HasPrefix(name, "Benchmark") {
				places = append(places, p)
			} else if ok || p.number < 0 {
				complaints = append(complaints, fmt.Sprintf("%s:%d: %s does not carry the number of a case: write \"case N: …\", one number, in what a test runs", file, p.line, lit.Value))
			}
			return true
		})
	}
	return places, complaints, nil
}

// numberIn is the number that a literal carries, or -1 if it looks as if it should.
func numberIn(literal string) (n int, ok bool) {
	text, err := strconv.Unquote(literal)
	if err != nil {
		return 0, false
	}
	if m := numbered.FindStringSubmatch(text); m != nil {
		n, err = strconv.Atoi(m[1])
		return n, err == nil
	}
	if meant.MatchString(text) {
		return -1, false
	}
	return 0, false
}

// nameOf is the name of a declaration as a reader would look for it.
func nameOf(d ast.Decl) string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return d.Name.Name
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if v, ok := s.(*ast.ValueSpec); ok {
				return v.Names[0].Name
			}
		}
	}
	return "(package)"
}
