package store

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// victimFile is the environment variable that makes the test binary a victim: a process that
// commits to that file until it is killed.
const victimFile = "ECS_AUTOSCALER_TEST_VICTIM_FILE"

// victim prints the number of each commit once the store has said that it is durable.
func victim(path string) {
	b, err := OpenFile(path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	s, err := New(b)
	for i := 1; err == nil; i++ {
		err = s.Commit(Changes{
			Targets:    []*Target{targetOf(0, i), targetOf(i%50, i)},
			Activities: []*Activity{activityOf(i)}, Decisions: []*DecisionRecord{decisionOf(i)},
		})
		fmt.Println(i)
	}
	fmt.Println(err)
	os.Exit(1)
}

func TestEveryAcknowledgedCommitSurvivesKill9(t *testing.T) {
	path := newFile(t)
	for _, kill := range []int{1, 20, 150} {
		acknowledged := runVictim(t, path, kill)
		s := newStore(t, openPath(t, path))
		// The commit under way when the process died may have come through as well, but only whole.
		desired := s.Memory(keyOf(0)).LastDesired
		if desired != acknowledged && desired != acknowledged+1 {
			t.Errorf("last desired %d after %d acknowledged commits", desired, acknowledged)
		}
		for name, cursor := range map[string]func(Query) (string, error){
			"activity": func(q Query) (string, error) {
				page, _, err := s.Activities(q)
				return page[0].ID, err
			},
			"decision": func(q Query) (string, error) {
				page, _, err := s.Decisions(q)
				return strings.TrimSuffix(string(page[0].JSON), `"}`), err
			},
		} {
			newest, err := cursor(Query{Limit: 1, Since: at(desired), Until: at(desired + 1)})
			if err != nil || !strings.HasSuffix(newest, strconv.Itoa(desired)) {
				t.Errorf("newest %s is %s, error %v; want number %d", name, newest, err, desired)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// runVictim kills the victim after it has acknowledged that many commits, and returns how many it
// had acknowledged by then.
func runVictim(t *testing.T, path string, kill int) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), victimFile+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatalf("the victim says: %s", lines.Text())
		}
		if last == kill {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || last < kill {
		t.Fatalf("the victim ended by itself after %d commits: %v", last, err)
	}
	return last
}
