package sim

// The types of this file are the scenario file as it is written; docs/simulated-region.md explains every key.

type document struct {
	Home placeDoc `yaml:",inline"`

	Seed         uint64         `yaml:"seed"`
	Start        *instant       `yaml:"start"`
	History      seconds        `yaml:"history"`
	ResponseTime seconds        `yaml:"response_time"`
	Publication  publicationDoc `yaml:"publication"`
	Limits       limitsDoc      `yaml:"limits"`
	Faults       []faultDoc     `yaml:"faults"`

	Places         []placeDoc        `yaml:"places"`
	Roles          []roleDoc         `yaml:"roles"`
	AccessKeys     map[string]string `yaml:"access_keys"`
	SessionsExpire bool              `yaml:"sessions_expire"`
}

// placeDoc is what an account has in a region: the scenario's own, or another one.
type placeDoc struct {
	Region        string           `yaml:"region"`
	Account       string           `yaml:"account"`
	Clusters      []clusterDoc     `yaml:"clusters"`
	Services      []serviceDoc     `yaml:"services"`
	CustomMetrics []customDoc      `yaml:"custom_metrics"`
	AutoScaling   autoScalingDoc   `yaml:"application_autoscaling"`
	MetricAlarms  []map[string]any `yaml:"metric_alarms"`
	DynamoDB      dynamoDoc        `yaml:"dynamodb"`
}

type roleDoc struct {
	ARN        string   `yaml:"arn"`
	ExternalID string   `yaml:"external_id"`
	Trusts     []string `yaml:"trusts"`
	Denied     bool     `yaml:"denied"`
}

type publicationDoc struct {
	Delay       *seconds `yaml:"delay"`
	DelaySpread *seconds `yaml:"delay_spread"`
	// HighResolutionDelay applies to metrics finer than 60 s.
	HighResolutionDelay *seconds `yaml:"high_resolution_delay"`
	// Partial is how long a new datapoint shows only a part of its samples.
	Partial *seconds `yaml:"partial"`
}

type limitsDoc struct {
	Throttling       *bool              `yaml:"throttling"`
	Rates            map[string]rateDoc `yaml:"rates"`
	PageDatapoints   int                `yaml:"page_datapoints"`
	PageItems        int                `yaml:"page_items"`
	TasksPerService  int                `yaml:"tasks_per_service"`
	ServiceEvents    int                `yaml:"service_events"`
	RecordedCalls    int                `yaml:"recorded_calls"`
	RecordedMegabyte int                `yaml:"recorded_megabytes"`
}

type rateDoc struct {
	Burst     float64 `yaml:"burst"`
	PerSecond float64 `yaml:"per_second"`
}

type clusterDoc struct {
	Name              string            `yaml:"name"`
	Status            string            `yaml:"status"`
	ContainerInsights bool              `yaml:"container_insights"`
	Tags              map[string]string `yaml:"tags"`
}

type serviceDoc struct {
	Service         string            `yaml:"service"`
	Count           int               `yaml:"count"`
	Stagger         seconds           `yaml:"stagger"`
	Desired         int               `yaml:"desired"`
	Load            *curveDoc         `yaml:"load"`
	CPU             *gaugeDoc         `yaml:"cpu"`
	Memory          *gaugeDoc         `yaml:"memory"`
	TaskStart       *seconds          `yaml:"task_start"`
	TaskStartSpread seconds           `yaml:"task_start_spread"`
	TaskStop        seconds           `yaml:"task_stop"`
	TaskStopSpread  seconds           `yaml:"task_stop_spread"`
	PlacementLimit  *int              `yaml:"placement_limit"`
	Controller      string            `yaml:"deployment_controller"`
	Deployment      deploymentDoc     `yaml:"deployment"`
	Strategy        string            `yaml:"scheduling_strategy"`
	LaunchType      string            `yaml:"launch_type"`
	Status          string            `yaml:"status"`
	TaskDefinition  string            `yaml:"task_definition"`
	Tags            map[string]string `yaml:"tags"`
	Resolution      int               `yaml:"resolution"`
	LoadBalancer    *loadBalancerDoc  `yaml:"load_balancer"`
	Publication     publicationDoc    `yaml:"publication"`
	Events          []eventDoc        `yaml:"events"`
}

type gaugeDoc struct {
	Base    float64  `yaml:"base"`
	PerLoad *float64 `yaml:"per_load"`
	Noise   float64  `yaml:"noise"`
	Spread  float64  `yaml:"spread"`
}

type deploymentDoc struct {
	MinimumHealthyPercent *int    `yaml:"minimum_healthy_percent"`
	MaximumPercent        *int    `yaml:"maximum_percent"`
	Bake                  seconds `yaml:"bake"`
	CircuitBreaker        bool    `yaml:"circuit_breaker"`
}

type loadBalancerDoc struct {
	ResourceLabel   string  `yaml:"resource_label"`
	RequestsPerLoad float64 `yaml:"requests_per_load"`
}

type eventDoc struct {
	At             seconds `yaml:"at"`
	Desired        *int    `yaml:"desired"`
	Deploy         bool    `yaml:"deploy"`
	Status         string  `yaml:"status"`
	PlacementLimit *int    `yaml:"placement_limit"`
	FailStarts     *bool   `yaml:"fail_starts"`
	Kill           int     `yaml:"kill"`
}

type customDoc struct {
	Namespace   string            `yaml:"namespace"`
	MetricName  string            `yaml:"metric_name"`
	Dimensions  map[string]string `yaml:"dimensions"`
	Unit        string            `yaml:"unit"`
	Resolution  int               `yaml:"resolution"`
	Value       *curveDoc         `yaml:"value"`
	Noise       float64           `yaml:"noise"`
	PerTaskOf   string            `yaml:"per_task_of"`
	Publication publicationDoc    `yaml:"publication"`
}

type autoScalingDoc struct {
	ScalableTargets   []map[string]any `yaml:"scalable_targets"`
	ScalingPolicies   []map[string]any `yaml:"scaling_policies"`
	ScheduledActions  []map[string]any `yaml:"scheduled_actions"`
	ScalingActivities []map[string]any `yaml:"scaling_activities"`
}

type dynamoDoc struct {
	EventualConsistency *seconds         `yaml:"eventual_consistency"`
	TTLDelay            *seconds         `yaml:"ttl_delay"`
	TableDelay          *seconds         `yaml:"table_delay"`
	Tables              []map[string]any `yaml:"tables"`
	TimeToLive          []map[string]any `yaml:"time_to_live"`
}

type faultDoc struct {
	Kind        string   `yaml:"kind"`
	API         string   `yaml:"api"`
	Operation   string   `yaml:"operation"`
	Service     string   `yaml:"service"`
	Table       string   `yaml:"table"`
	Account     string   `yaml:"account"`
	Region      string   `yaml:"region"`
	Metric      string   `yaml:"metric"`
	From        seconds  `yaml:"from"`
	To          *seconds `yaml:"to"`
	For         *seconds `yaml:"for"`
	Probability *float64 `yaml:"probability"`
	Count       int      `yaml:"count"`
	Delay       *seconds `yaml:"delay"`
	Code        string   `yaml:"code"`
	Message     string   `yaml:"message"`
	Status      int      `yaml:"status"`
}

type curveDoc struct {
	Constant *float64   `yaml:"constant"`
	Steps    []pointDoc `yaml:"steps"`
	Line     []pointDoc `yaml:"line"`
	Every    seconds    `yaml:"every"`
	Ramp     *rampDoc   `yaml:"ramp"`
	Sine     *sineDoc   `yaml:"sine"`
	Square   *squareDoc `yaml:"square"`
	Trace    *traceDoc  `yaml:"trace"`
	Sum      []curveDoc `yaml:"sum"`
}

type pointDoc struct {
	At    seconds `yaml:"at"`
	Value float64 `yaml:"value"`
}

type rampDoc struct {
	From  float64 `yaml:"from"`
	To    float64 `yaml:"to"`
	Start seconds `yaml:"start"`
	End   seconds `yaml:"end"`
}

type sineDoc struct {
	Mean      float64 `yaml:"mean"`
	Amplitude float64 `yaml:"amplitude"`
	Period    seconds `yaml:"period"`
	Phase     seconds `yaml:"phase"`
}

type squareDoc struct {
	Low    float64  `yaml:"low"`
	High   float64  `yaml:"high"`
	Period seconds  `yaml:"period"`
	Duty   *float64 `yaml:"duty"`
	Phase  seconds  `yaml:"phase"`
}

type traceDoc struct {
	File       string   `yaml:"file"`
	From       *instant `yaml:"from"`
	Scale      *float64 `yaml:"scale"`
	Percentile *float64 `yaml:"percentile"`
	Is         *float64 `yaml:"is"`
	Repeat     bool     `yaml:"repeat"`
}
