package web

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
)

// documented is one row of the tables in docs/metrics.md: type and labels, sorted.
type documented struct {
	Type   string
	Labels string
}

// elsewhere are the metrics that other rooms register. The document promises them all.
var elsewhere = map[string]documented{
	"ecs_autoscaler_scaling_activities_total":                     {"counter", "account,cluster,direction,service,status"},
	"ecs_autoscaler_not_scaled_total":                             {"counter", "account,cluster,reason,service"},
	"ecs_autoscaler_foreign_writes_total":                         {"counter", "account,cluster,service"},
	"ecs_autoscaler_scheduled_actions_total":                      {"counter", "account,action,cluster,service,status"},
	"ecs_autoscaler_passes_total":                                 {"counter", "result"},
	"ecs_autoscaler_pass_duration_seconds":                        {"histogram", ""},
	"ecs_autoscaler_last_successful_pass_timestamp_seconds":       {"gauge", ""},
	"ecs_autoscaler_config_last_reload_successful":                {"gauge", ""},
	"ecs_autoscaler_config_last_reload_success_timestamp_seconds": {"gauge", ""},
	"ecs_autoscaler_decision_log_dropped_total":                   {"counter", ""},
	"ecs_autoscaler_clock_offset_seconds":                         {"gauge", ""},
	"ecs_autoscaler_targets_unready":                              {"gauge", ""},
	"ecs_autoscaler_fleet_brake":                                  {"gauge", ""},
	"ecs_autoscaler_aws_requests_total":                           {"counter", "account,class,operation,service"},
	"ecs_autoscaler_aws_request_duration_seconds":                 {"histogram", "account,operation,service"},
	"ecs_autoscaler_metrics_requested_total":                      {"counter", ""},
	"ecs_autoscaler_metrics_requested_cost_dollars_total":         {"counter", ""},
	"ecs_autoscaler_http_requests_refused_total":                  {"counter", "reason"},
	"ecs_autoscaler_http_connections":                             {"gauge", "listener"},
	"ecs_autoscaler_http_connections_refused_total":               {"counter", "listener"},
	"ecs_autoscaler_events_total":                                 {"counter", "destination,kind,result"},
	"ecs_autoscaler_events_queued":                                {"gauge", "destination"},
	"ecs_autoscaler_getmetricdata_datapoints_total":               {"counter", ""},
	"ecs_autoscaler_lease_held":                                   {"gauge", "account,cluster"},
	"ecs_autoscaler_leases_taken_total":                           {"counter", "was"},
	"ecs_autoscaler_leases_lost_total":                            {"counter", ""},
	"ecs_autoscaler_lease_failures_total":                         {"counter", ""},
	"ecs_autoscaler_last_heartbeat_timestamp_seconds":             {"gauge", ""},
	"ecs_autoscaler_daemons":                                      {"gauge", ""},
}

var (
	metricRow  = regexp.MustCompile("(?m)^\\| `(ecs_autoscaler_\\w+)` \\| (\\w+) \\|(.*?)\\| (.+?) \\| (.+?) \\|$")
	metricName = regexp.MustCompile(`ecs_autoscaler_\w+`)
	labelName  = regexp.MustCompile("`(\\w+)`")
)

func TestTheDocumentListsEveryMetricAsItIs(t *testing.T) {
	want := described(t)
	maps.Copy(want, elsewhere)
	if diff := cmp.Diff(want, tables(t)); diff != "" {
		t.Errorf("%s differs from what is measured (-measured +documented):\n%s", metricsDoc, diff)
	}
}

// tables reads the rows of the tables.
func tables(t *testing.T) map[string]documented {
	t.Helper()
	rows := map[string]documented{}
	for _, m := range metricRow.FindAllStringSubmatch(document(t), -1) {
		if _, twice := rows[m[1]]; twice {
			t.Errorf("%s is documented twice", m[1])
		}
		var labels []string
		for _, l := range labelName.FindAllStringSubmatch(m[3], -1) {
			labels = append(labels, l[1])
		}
		slices.Sort(labels)
		rows[m[1]] = documented{m[2], strings.Join(labels, ",")}
	}
	return rows
}

// described is what a scrape of a full store shows: the fixed rows, one of them steered, have every gauge this room knows.
func described(t *testing.T) map[string]documented {
	t.Helper()
	o, _ := obeyed(t)
	families, err := o.Gatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]documented{}
	for _, f := range families {
		rows[f.GetName()] = documented{strings.ToLower(f.GetType().String()), labelsOf(f)}
	}
	const others = 3 // two of the state, and build_info
	if len(rows) != len(gauges)+others {
		t.Errorf("the fixed rows show %d metrics, there are %d and %d others", len(rows), len(gauges), others)
	}
	return rows
}

func labelsOf(f *dto.MetricFamily) string {
	var labels []string
	for _, l := range f.GetMetric()[0].GetLabel() {
		labels = append(labels, l.GetName())
	}
	slices.Sort(labels)
	return strings.Join(labels, ",")
}

func TestTheQueriesOfTheDocumentNameMetricsThatExist(t *testing.T) {
	known := tables(t)
	for _, name := range metricName.FindAllString(document(t), -1) {
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if base, cut := strings.CutSuffix(name, suffix); cut && known[base].Type == "histogram" {
				name = base
			}
		}
		if known[name].Type == "" {
			t.Errorf("%s speaks of %s, which no table lists", metricsDoc, name)
		}
	}
}

func document(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(metricsDoc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
