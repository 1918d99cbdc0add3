package sim

import (
	"embed"
	"io/fs"
)

//go:embed demo.yaml traces/*.csv
var embedded embed.FS

// DemoScenario is the world of `ecs-autoscaler demo`: flaskapp/flaskapp, whose memory swings around the thresholds of
// the step policies in examples/flaskapp, and shop/api, which follows a real production trace. Within the first hour
// both give reason to scale out and in.
func DemoScenario() (*Scenario, error) {
	text, err := embedded.ReadFile("demo.yaml")
	if err != nil {
		return nil, err
	}
	return ParseScenario("demo.yaml", text, nil)
}

// open finds a file of a scenario, or a trace that comes with the package.
func open(files fs.FS, name string) (fs.File, error) {
	if files != nil {
		if f, err := files.Open(name); err == nil {
			return f, nil
		} else if _, ours := embedded.Open(name); ours != nil {
			return nil, err
		}
	}
	return embedded.Open(name)
}
