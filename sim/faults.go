package sim

import (
	"fmt"
	"slices"
	"strconv"
)

func (c *compiler) faults(doc *document) error {
	for i := range doc.Faults {
		path := fmt.Sprintf("$.faults[%d]", i)
		f, err := c.src.fault(path, &doc.Faults[i])
		if err != nil {
			return err
		}
		c.s.faults = append(c.s.faults, f)
	}
	return nil
}

// fault turns a document into a checked fault.
func (s *source) fault(path string, d *faultDoc) (Fault, error) {
	f := Fault{
		Kind: FaultKind(d.Kind), API: d.API, Operation: d.Operation, Service: d.Service, Metric: d.Metric,
		Table: d.Table, Account: d.Account, Region: d.Region, From: d.From.duration(),
		Count: d.Count, Code: d.Code, Message: d.Message, Status: d.Status,
	}
	if err := s.until(path, d, &f); err != nil {
		return f, err
	}
	if d.Probability != nil {
		if f.Probability = *d.Probability; !(f.Probability > 0) {
			return f, s.wrong(path+".probability", "%v is not above 0, up to 1", f.Probability)
		}
	}
	if d.Delay != nil {
		f.Delay = d.Delay.duration()
	}
	if field, err := f.check(); err != nil {
		return f, s.wrong(path+"."+field, "%v", err)
	}
	return f, nil
}

// until reads the end of a fault.
func (s *source) until(path string, d *faultDoc, f *Fault) error {
	switch {
	case d.To == nil && d.For == nil:
		return nil
	case d.To != nil && d.For != nil:
		return s.wrong(path, "to and for exclude each other")
	case d.To != nil:
		f.To = d.To.duration()
	default:
		f.To = f.From + d.For.duration()
	}
	if f.To <= f.From || f.To == 0 {
		return s.wrong(path, "the end must be later than the beginning, and not time zero")
	}
	return nil
}

// Inject starts a fault now or, if From says so, later, and returns its ID. An error says what is wrong with it.
func (r *Region) Inject(f Fault) (string, error) {
	if field, err := f.check(); err != nil {
		return "", fmt.Errorf("%s: %w", field, err)
	}
	if f.Delay == 0 {
		f.Delay = traits[f.Kind].delay
	}
	r.faultLock.Lock()
	defer r.faultLock.Unlock()
	r.faultCount++
	if f.ID == "" {
		f.ID = "fault-" + strconv.Itoa(r.faultCount)
	}
	active := &activeFault{Fault: f, seed: r.seed ^ digest(strconv.Itoa(r.faultCount))}
	var list []*activeFault
	if old := r.active.Load(); old != nil {
		list = slices.Clone(*old)
	}
	list = append(list, active)
	r.active.Store(&list)
	return f.ID, nil
}

// Clear ends the fault with that ID, or all faults if id is "". It says whether there was one.
func (r *Region) Clear(id string) bool {
	r.faultLock.Lock()
	defer r.faultLock.Unlock()
	old := r.activeFaults()
	list := slices.DeleteFunc(slices.Clone(old), func(f *activeFault) bool { return id == "" || f.ID == id })
	r.active.Store(&list)
	return len(list) < len(old)
}

// Faults lists the faults that are injected, whether they strike at the moment or not.
func (r *Region) Faults() []Fault {
	var list []Fault
	for _, f := range r.activeFaults() {
		list = append(list, f.Fault)
	}
	return list
}

func (r *Region) activeFaults() []*activeFault {
	if list := r.active.Load(); list != nil {
		return *list
	}
	return nil
}

// callFault is the first fault that strikes a call as a whole.
func (r *Region) callFault(c *call) *activeFault {
	for _, f := range r.activeFaults() {
		if !traits[f.Kind].ofMetric() && f.during(c.now) && f.concerns(c) && f.strike(c.identity, c.now) {
			return f
		}
	}
	return nil
}

// metricFaults are the faults that may strike single metrics of a call.
func (r *Region) metricFaults(c *call) []*activeFault {
	var list []*activeFault
	for _, f := range r.activeFaults() {
		if !traits[f.Kind].ofMetric() || !f.covers(c) {
			continue
		}
		// Which datapoints are missing or late is a property of the datapoint's time, not of the call's.
		if traits[f.Kind].ofPoint || f.during(c.now) {
			list = append(list, f)
		}
	}
	return list
}
