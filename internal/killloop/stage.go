package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"ecs-autoscaler/store"
)

// stage is where it happens: a region that lives throughout, and a place for the daemon.
type stage struct {
	binary, dir           string
	region, daemon        string // addresses
	world                 *exec.Cmd
	env                   []string
	starts                int
	configuration, record string // files
}

func newStage(ctx context.Context, binary, dir string) (*stage, error) {
	s := &stage{binary: binary, dir: dir, configuration: filepath.Join(dir, "c.yaml"), record: filepath.Join(dir, "log")}
	var err error
	if s.region, err = freeAddress(ctx); err != nil {
		return nil, err
	}
	if s.daemon, err = freeAddress(ctx); err != nil {
		return nil, err
	}
	scenario := filepath.Join(dir, "scenario.yaml")
	err = errors.Join(
		os.WriteFile(scenario, []byte(scenarioText()), 0o600),
		os.WriteFile(s.configuration, []byte(configurationText(s.daemon)), 0o600))
	if err != nil {
		return nil, err
	}
	s.env = append(os.Environ(), "AWS_ENDPOINT_URL=http://"+s.region, "AWS_REGION=eu-west-2", "AWS_ACCESS_KEY_ID=x",
		"AWS_SECRET_ACCESS_KEY=x", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE="+filepath.Join(dir, "none"),
		"AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(dir, "none"), "STATE_DIRECTORY=")
	s.world = exec.CommandContext(ctx, s.binary, "sim", "--scenario", scenario, "--listen", s.region)
	s.world.Stderr = os.Stderr
	if err := s.world.Start(); err != nil {
		return nil, err
	}
	return s, s.await(ctx, "http://"+s.region+"/_sim/services")
}

// await waits until somebody answers.
func (s *stage) await(ctx context.Context, url string) error {
	var err error
	for range 200 {
		var answer json.RawMessage
		if err = get(ctx, url, &answer); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

func (s *stage) close() {
	_ = s.world.Process.Kill() // it holds nothing that is wanted
	_ = s.world.Wait()
}

// freeAddress is one of this machine that nobody listened on a moment ago.
func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// process is one life of the daemon.
type process struct {
	cmd   *exec.Cmd
	ended chan error
}

func (s *stage) start(ctx context.Context) (*process, error) {
	s.starts++
	log, err := os.OpenFile(s.record, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{exec.CommandContext(ctx, s.binary, "run", "--config", s.configuration, "--log-format", "json"), make(chan error, 1)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = s.dir, s.env, log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p, nil
}

// kill is kill -9; the error says that the daemon was dead already.
func (p *process) kill() error {
	select {
	case err := <-p.ended:
		return fmt.Errorf("%w before it was killed", errors.Join(err, errEarly))
	default:
	}
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	<-p.ended //nolint:errcheck // It says that it was killed.
	return nil
}

var errEarly = errors.New("ended")

// stop is SIGTERM.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return <-p.ended
}

// lastWords is the end of the daemon's log.
func (s *stage) lastWords() string {
	text, err := os.ReadFile(s.record)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-3):], []byte("\n")))
}

// export reads the state file as a person would.
func (s *stage) export(ctx context.Context) (*store.Dump, error) {
	cmd := exec.CommandContext(ctx, s.binary, "state", "export", "--file", filepath.Join(s.dir, "state.db"), "--history")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, stderr.String())
	}
	return store.ParseDump("export", text, time.Now())
}

// call is one that the region has recorded.
type call struct {
	Number    int64     `json:"number"`
	Time      time.Time `json:"time"`
	Operation string    `json:"operation"`
	Error     string    `json:"error"`
	Fault     string    `json:"fault"`
	Input     struct {
		Cluster, Service string
		DesiredCount     int
	} `json:"input"`
}

// done says that the call had its effect, whether or not the answer arrived.
func (c *call) done() bool {
	return c.Operation == "UpdateService" && c.Error == "" && (c.Fault == "" || c.Fault == "connection_reset_after")
}

// calls are those after a number.
func (s *stage) calls(ctx context.Context, after int64) ([]call, error) {
	var calls []call
	err := get(ctx, fmt.Sprintf("http://%s/_sim/calls?since=%d&limit=1000000&input=true", s.region, after), &calls)
	return calls, err
}

// desired are the counts that the region has now.
func (s *stage) desired(ctx context.Context) (map[string]int, error) {
	var services []struct {
		Cluster, Service string
		Desired          int
	}
	err := get(ctx, "http://"+s.region+"/_sim/services", &services)
	counts := map[string]int{}
	for _, r := range services {
		counts[r.Service] = r.Desired
	}
	return counts, err
}

// shown are the newest activities as the daemon's API has them.
func (s *stage) shown(ctx context.Context) (map[string]string, error) {
	var page struct {
		Activities []struct {
			ID     string `json:"activity_id"`
			Status string `json:"status_code"`
		} `json:"activities"`
	}
	err := get(ctx, "http://"+s.daemon+"/api/v1/activities?limit=200", &page)
	found := map[string]string{}
	for _, a := range page.Activities {
		found[a.ID] = a.Status
	}
	return found, err
}

// oldestOpen is when the oldest open activity began, zero if none is open.
func (s *stage) oldestOpen(ctx context.Context) (oldest time.Time, err error) {
	for _, status := range []string{"Pending", "InProgress"} {
		var page struct {
			Activities []struct {
				StartTime time.Time `json:"start_time"`
			} `json:"activities"`
		}
		if err := get(ctx, "http://"+s.daemon+"/api/v1/activities?limit=1000&status="+status, &page); err != nil {
			return oldest, err
		}
		for _, a := range page.Activities {
			if oldest.IsZero() || a.StartTime.Before(oldest) {
				oldest = a.StartTime
			}
		}
	}
	return oldest, nil
}

var client = http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func get(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
