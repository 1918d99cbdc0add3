package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The pages under /_sim/ are for people and scripts; docs/simulated-region.md describes them.
const controlPrefix = "/_sim/"

func isControl(req *http.Request) bool { return strings.HasPrefix(req.URL.Path, controlPrefix) }

func (r *Region) control(w http.ResponseWriter, req *http.Request) {
	switch page := req.Method + " " + strings.TrimPrefix(req.URL.Path, controlPrefix); page {
	case "GET calls":
		r.controlCalls(w, req)
	case "GET services":
		reply(w, http.StatusOK, servicePages(r.all()))
	case "GET tables":
		reply(w, http.StatusOK, tablePages(r.all()))
	case "GET faults":
		reply(w, http.StatusOK, faultPages(r.Faults()))
	case "POST faults":
		r.controlInject(w, req)
	case "DELETE faults":
		id := req.URL.Query().Get("id")
		if !r.Clear(id) && id != "" {
			refuse(w, http.StatusNotFound, fmt.Errorf("there is no fault %q; GET /_sim/faults lists them", id))
			return
		}
		reply(w, http.StatusOK, faultPages(r.Faults()))
	default:
		refuse(w, http.StatusNotFound, fmt.Errorf("%s is no page; there are GET /_sim/calls, GET /_sim/services, GET /_sim/tables and GET, POST, DELETE /_sim/faults", page))
	}
}

// servicePage is a ServiceView, and where it is unless the scenario has one place only.
type servicePage struct {
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	ServiceView
}

func servicePages(places []*Region) []servicePage {
	list := []servicePage{}
	for _, r := range places {
		at := place{}
		if len(places) > 1 {
			at = place{r.scenario.account, r.scenario.region}
		}
		for _, v := range r.Services() {
			list = append(list, servicePage{at.account, at.region, v})
		}
	}
	return list
}

// tablePage is what one operation consumed of one table.
type tablePage struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	TableUsage
}

func tablePages(places []*Region) []tablePage {
	list := []tablePage{}
	for _, r := range places {
		for _, u := range r.TableUsage() {
			list = append(list, tablePage{r.scenario.account, r.scenario.region, u})
		}
	}
	return list
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only when the reader is gone
}

func refuse(w http.ResponseWriter, status int, err error) {
	reply(w, status, map[string]any{"error": err.Error()})
}

// controlCalls lists calls after ?since=NUMBER, at most ?limit=N (1000) of the newest, with inputs if ?input=true.
func (r *Region) controlCalls(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	since, err := strconv.ParseInt(or(query.Get("since"), "0"), 10, 64)
	limit, limitErr := strconv.Atoi(or(query.Get("limit"), "1000"))
	if err != nil || limitErr != nil || limit < 1 {
		refuse(w, http.StatusBadRequest, fmt.Errorf("since and limit are whole numbers, limit at least 1"))
		return
	}
	calls := r.CallsSince(since)
	calls = calls[max(len(calls)-limit, 0):]
	withInput := query.Get("input") == "true"
	list := make([]callPage, len(calls))
	for i := range calls {
		c := &calls[i]
		list[i] = callPage{c.Number, c.Time.UTC(), c.Account, c.Region, c.API, c.Operation, c.Queries, c.ReadUnits, c.WriteUnits,
			c.Status, c.Error, c.Fault, nil}
		if withInput {
			list[i].Input = c.Input()
		}
	}
	reply(w, http.StatusOK, list)
}

// callPage is a Call as /_sim/calls shows it.
type callPage struct {
	Number    int64          `json:"number"`
	Time      time.Time      `json:"time"`
	Account   string         `json:"account"`
	Region    string         `json:"region"`
	API       string         `json:"api"`
	Operation string         `json:"operation"`
	Queries   int            `json:"queries"`
	Read      float64        `json:"read_units,omitempty"`
	Write     float64        `json:"write_units,omitempty"`
	Status    int            `json:"status"`
	Error     string         `json:"error"`
	Fault     FaultKind      `json:"fault"`
	Input     map[string]any `json:"input,omitempty"`
}

// faultPage is a Fault as /_sim/faults shows it.
type faultPage struct {
	ID          string    `json:"id"`
	Kind        FaultKind `json:"kind"`
	API         string    `json:"api,omitempty"`
	Operation   string    `json:"operation,omitempty"`
	Service     string    `json:"service,omitempty"`
	Table       string    `json:"table,omitempty"`
	Account     string    `json:"account,omitempty"`
	Region      string    `json:"region,omitempty"`
	Metric      string    `json:"metric,omitempty"`
	From        string    `json:"from"`
	To          string    `json:"to,omitempty"`
	Probability float64   `json:"probability,omitempty"`
	Count       int       `json:"count,omitempty"`
	Delay       string    `json:"delay,omitempty"`
	Code        string    `json:"code,omitempty"`
	Message     string    `json:"message,omitempty"`
	Status      int       `json:"status,omitempty"`
}

func faultPages(faults []Fault) []faultPage {
	list := make([]faultPage, len(faults))
	for i, f := range faults {
		list[i] = faultPage{f.ID, f.Kind, f.API, f.Operation, f.Service, f.Table, f.Account, f.Region, f.Metric, f.From.String(), "",
			f.Probability, f.Count, "", f.Code, f.Message, f.Status}
		if f.To > 0 {
			list[i].To = f.To.String()
		}
		if f.Delay > 0 {
			list[i].Delay = f.Delay.String()
		}
	}
	return list
}

// controlInject starts one fault, written as in a scenario, in YAML or JSON. Its from, to and for count from now.
func (r *Region) controlInject(w http.ResponseWriter, req *http.Request) {
	text, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	src := &source{name: "fault", text: text}
	var doc faultDoc
	if err := src.read(&doc); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	f, err := src.fault("$", &doc)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	now := r.Elapsed()
	f.From += now
	if f.To > 0 {
		f.To += now
	}
	id, err := r.Inject(f)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	reply(w, http.StatusCreated, map[string]any{"id": id})
}
