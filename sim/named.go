package sim

import "time"

// Start is when the scenario's time zero is, or the zero time if it is the moment the region is made.
func (s *Scenario) Start() time.Time { return s.start }

// Region is the name of the AWS region that the scenario plays, such as eu-west-2.
func (s *Scenario) Region() string { return s.region }
