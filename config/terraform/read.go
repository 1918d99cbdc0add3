package terraform

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ecs-autoscaler/config/described"
	"ecs-autoscaler/config/managed"
)

// maxBytes and maxNesting bound one file: parsers call themselves for each bracket.
const (
	maxBytes   = 32 << 20
	maxNesting = 500
)

// Read imports files and directories. Files of one directory are one module; given are the values of --var, by name.
// An error says what could not be read; what could not be imported is in the document.
func Read(paths []string, given map[string]string) (managed.Document, error) {
	modules := map[string]map[string][]byte{}
	var dirs []string
	var all found
	for _, path := range paths {
		files, dir, err := load(path)
		if err != nil {
			return managed.Document{}, err
		}
		for name, text := range files {
			if isShown(name, text) {
				if err := all.shown(name, text); err != nil {
					return managed.Document{}, err
				}
				delete(files, name)
			}
		}
		if len(files) == 0 {
			continue
		}
		if modules[dir] == nil {
			modules[dir] = map[string][]byte{}
			dirs = append(dirs, dir)
		}
		maps.Copy(modules[dir], files)
	}
	for _, dir := range dirs {
		if err := all.module(dir, modules[dir], given); err != nil {
			return managed.Document{}, err
		}
	}
	return all.document(), nil
}

// load gives the text of a file, or of the Terraform files of a directory.
func load(path string) (files map[string][]byte, dir string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", err
	}
	if !info.IsDir() {
		text, err := readFile(path)
		return map[string][]byte{path: text}, filepath.Dir(path), err
	}
	files, err = loadDirectory(path)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has no .tf or .tf.json files; name the directory that has them", path)
	}
	return files, filepath.Clean(path), err
}

// loadDirectory gives the files that Terraform itself would read there.
func loadDirectory(dir string) (map[string][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, e := range entries {
		name := e.Name()
		values := name == "terraform.tfvars" || strings.HasSuffix(name, ".auto.tfvars")
		if e.IsDir() || strings.HasPrefix(name, ".") || !isSource(name) && !values {
			continue
		}
		path := filepath.Join(dir, name)
		if files[path], err = readFile(path); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func isSource(name string) bool {
	return strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".tf.json")
}

func readFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return text, checkSize(path, text)
}

// checkSize refuses what would exhaust the parser.
func checkSize(path string, text []byte) error {
	if len(text) > maxBytes {
		return fmt.Errorf("%s has %d bytes, at most %d are read", path, len(text), maxBytes)
	}
	depth := 0
	for _, b := range text {
		switch b {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth = max(depth-1, 0)
		}
		if depth > maxNesting {
			return fmt.Errorf("%s nests more than %d brackets", path, maxNesting)
		}
	}
	return nil
}

// isShown says whether a text is a plan or a state, by its content.
func isShown(path string, text []byte) bool {
	if strings.HasSuffix(path, ".tf") || strings.HasSuffix(path, ".tfvars") {
		return false
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(text, &top) != nil {
		return false
	}
	return top["format_version"] != nil || top["terraform_version"] != nil
}

// found is what all sources have together.
type found struct {
	region    string
	resources []described.Resource
	services  []service
	notes     []managed.Loss
}

// service is an ECS service of the files.
type service struct {
	place managed.Place
	name  string
	// ignored says that Terraform leaves its desired count alone.
	ignored bool
}

func (f *found) document() managed.Document {
	doc := described.Document(f.region, f.resources)
	doc.Notes = append(doc.Notes, f.notes...)
	for _, s := range f.services {
		if !s.ignored && slices.ContainsFunc(doc.Targets, func(t managed.Target) bool { return t.Service == s.name }) {
			doc.Notes = append(doc.Notes, managed.Loss{Place: s.place,
				Why: "add lifecycle { ignore_changes = [desired_count] } to this service, or every terraform apply sets the count back"})
		}
	}
	return doc
}

// module adds what a directory says.
func (f *found) module(dir string, files map[string][]byte, given map[string]string) error {
	m, err := newModule(dir, files, given)
	if err != nil {
		return err
	}
	m.collect(f)
	return nil
}

// kinds are the resources that are read.
var kinds = map[string]described.Kind{
	"aws_appautoscaling_target":           described.ScalableTarget,
	"aws_appautoscaling_policy":           described.ScalingPolicy,
	"aws_appautoscaling_scheduled_action": described.ScheduledAction,
	"aws_cloudwatch_metric_alarm":         described.Alarm,
}

// byPlace keeps the order of the source: file by file, line by line.
func byPlace(a, b *block) int {
	return cmp.Or(strings.Compare(a.file, b.file), a.line-b.line)
}
