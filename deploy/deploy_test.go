// Package deploy_test reads the files of this directory as AWS, systemd and a container engine would: what is
// shipped must parse, and must keep the promises that the README files make.
package deploy_test

import (
	"encoding/json"
	"go/version"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ecs-autoscaler/config"
)

// statePath is where the image, the task definitions and the daemon meet.
const statePath = "/var/lib/ecs-autoscaler"

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parse is strict: a member that the type does not know is a misspelt one.
func parse[T any](t *testing.T, path string) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(read(t, path)))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

func TestEveryJSONFileParses(t *testing.T) {
	found := 0
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		found++
		if !json.Valid([]byte(read(t, path))) {
			t.Errorf("%s is not JSON", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 7 {
		t.Errorf("found %d JSON files; the walk must have missed some", found)
	}
}

type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid, Effect string
	Principal   map[string]string
	Action      oneOrMore
	Resource    oneOrMore
	Condition   map[string]map[string]string
}

// oneOrMore is how IAM writes lists: a single member may stand alone.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

func (p policy) actions() []string {
	var all []string
	for _, s := range p.Statement {
		all = append(all, s.Action...)
	}
	slices.Sort(all)
	return all
}

func TestEachPolicyAllowsExactlyWhatIsListed(t *testing.T) {
	reading := []string{"application-autoscaling:DescribeScalableTargets", "cloudwatch:GetMetricData", "ecs:DescribeServices", "ecs:ListClusters", "ecs:ListServices"}
	for file, want := range map[string][]string{
		"iam/policy.json":                 append(slices.Clone(reading), "ecs:UpdateService"),
		"iam/policy.dry-run.json":         reading,
		"iam/policy.managed-scaling.json": {"application-autoscaling:RegisterScalableTarget"},
		"iam/policy.efs-state.json":       {"elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"},
		"iam/policy.dynamodb-state.json": {
			"dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
		},
		"iam/policy.dynamodb-init.json": {
			"dynamodb:CreateTable", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:GetItem", "dynamodb:PutItem",
			"dynamodb:Scan", "dynamodb:UpdateTimeToLive",
		},
		"iam/policy.plan-against-aws.json": {
			"application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingActivities",
			"application-autoscaling:DescribeScalingPolicies", "application-autoscaling:DescribeScheduledActions",
		},
		"iam/policy.events.json":      {"sns:Publish"},
		"iam/trust.ecs-tasks.json":    {"sts:AssumeRole"},
		"iam/policy.accounts.json":    {"sts:AssumeRole"},
		"iam/trust.account-role.json": {"sts:AssumeRole"},
	} {
		t.Run(file, func(t *testing.T) {
			p := parse[policy](t, file)
			if diff := cmp.Diff(want, p.actions()); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			if p.Version != "2012-10-17" {
				t.Errorf("Version is %q; without 2012-10-17 IAM reads an older language", p.Version)
			}
			for _, s := range p.Statement {
				if s.Effect != "Allow" || s.Sid == "" {
					t.Errorf("statement %q: Effect %q; each is an Allow with a name that the README explains", s.Sid, s.Effect)
				}
			}
		})
	}
}

func TestTheDryRunPolicyIsTheWholeOneWithoutTheWrite(t *testing.T) {
	whole, dry := parse[policy](t, "iam/policy.json"), parse[policy](t, "iam/policy.dry-run.json")
	whole.Statement = slices.DeleteFunc(whole.Statement, func(s statement) bool { return slices.Contains(s.Action, "ecs:UpdateService") })
	if diff := cmp.Diff(whole, dry); diff != "" {
		t.Errorf("without UpdateService (-policy.json +policy.dry-run.json):\n%s", diff)
	}
}

func TestWhatIAMCanBindToAClusterIsBoundToIt(t *testing.T) {
	const cluster = "arn:aws:ecs:eu-west-2:123456789012:cluster/flaskapp"
	for _, s := range parse[policy](t, "iam/policy.json").Statement {
		for _, action := range s.Action {
			switch action {
			case "cloudwatch:GetMetricData", "ecs:ListClusters", "application-autoscaling:DescribeScalableTargets": // IAM knows no resource and no condition for these.
				continue
			case "ecs:DescribeServices", "ecs:UpdateService":
				if diff := cmp.Diff(oneOrMore{"arn:aws:ecs:eu-west-2:123456789012:service/flaskapp/*"}, s.Resource); diff != "" {
					t.Errorf("%s: Resource (-want +got):\n%s", action, diff)
				}
			}
			if got := s.Condition["ArnEquals"]["ecs:cluster"]; got != cluster {
				t.Errorf("%s: condition ecs:cluster is %q, want %q", action, got, cluster)
			}
		}
	}
}

func TestTheReadmeExplainsEveryStatement(t *testing.T) {
	readme := read(t, "iam/README.md")
	for _, s := range parse[policy](t, "iam/policy.json").Statement {
		for _, word := range append([]string{s.Sid}, s.Action...) {
			if !strings.Contains(readme, "`"+word+"`") {
				t.Errorf("iam/README.md does not mention `%s`", word)
			}
		}
	}
}

type keyValue struct{ Name, Value string }

type taskDefinition struct {
	Family, NetworkMode, CPU, Memory string
	TaskRoleARN, ExecutionRoleARN    string
	RequiresCompatibilities          []string
	RuntimePlatform                  struct{ OperatingSystemFamily, CPUArchitecture string }
	ContainerDefinitions             []container
	Volumes                          []volume
}

type container struct {
	Name, Image, User      string
	Command                []string
	Essential              bool
	ReadonlyRootFilesystem bool
	LinuxParameters        struct{ Capabilities struct{ Drop []string } }
	Environment            []keyValue
	MountPoints            []struct {
		SourceVolume, ContainerPath string
		ReadOnly                    bool
	}
	StopTimeout      int
	LogConfiguration struct {
		LogDriver string
		Options   map[string]string
	}
}

type volume struct {
	Name                   string
	EFSVolumeConfiguration *struct {
		FileSystemID, RootDirectory, TransitEncryption string
		AuthorizationConfig                            struct{ AccessPointID, IAM string }
	}
}

var taskDefinitions = []string{"ecs/task-definition.fargate.json", "ecs/task-definition.fargate-efs.json"}

func TestTheTaskIsWhatFargateTakes(t *testing.T) {
	for _, file := range taskDefinitions {
		d := parse[taskDefinition](t, file)
		if !slices.Contains(d.RequiresCompatibilities, "FARGATE") || d.NetworkMode != "awsvpc" {
			t.Errorf("%s: compatibilities %v, network mode %q; Fargate is awsvpc", file, d.RequiresCompatibilities, d.NetworkMode)
		}
		// 512 MiB is one of the three sizes that Fargate combines with a quarter of a processor.
		if d.CPU != "256" || d.Memory != "512" {
			t.Errorf("%s: cpu %q and memory %q are not the pair that is documented", file, d.CPU, d.Memory)
		}
		if d.TaskRoleARN == "" || d.ExecutionRoleARN == "" || d.TaskRoleARN == d.ExecutionRoleARN {
			t.Errorf("%s: the daemon's role and the one that pulls its image are two: %q, %q", file, d.TaskRoleARN, d.ExecutionRoleARN)
		}
		if len(d.ContainerDefinitions) != 1 || !d.ContainerDefinitions[0].Essential {
			t.Errorf("%s: the task is one essential container", file)
		}
	}
}

func TestTheContainerCanOnlyWriteItsState(t *testing.T) {
	for _, file := range taskDefinitions {
		d := parse[taskDefinition](t, file)
		c := d.ContainerDefinitions[0]
		drop := c.LinuxParameters.Capabilities.Drop
		if !c.ReadonlyRootFilesystem || c.User != "65532:65532" || !slices.Equal(drop, []string{"ALL"}) {
			t.Errorf("%s: read-only root %t, user %q, dropped %v", file, c.ReadonlyRootFilesystem, c.User, drop)
		}
		if len(c.MountPoints) != 1 || c.MountPoints[0].ContainerPath != statePath || c.MountPoints[0].ReadOnly {
			t.Errorf("%s: mounts %+v; want the state at %s, writable", file, c.MountPoints, statePath)
		}
		if len(d.Volumes) != 1 || d.Volumes[0].Name != c.MountPoints[0].SourceVolume {
			t.Errorf("%s: volumes %+v do not have what is mounted", file, d.Volumes)
		}
	}
}

func TestTheLogGoesToCloudWatchAndNeverStopsTheDaemon(t *testing.T) {
	for _, file := range taskDefinitions {
		l := parse[taskDefinition](t, file).ContainerDefinitions[0].LogConfiguration
		if l.LogDriver != "awslogs" || l.Options["mode"] != "non-blocking" {
			t.Errorf("%s: driver %q, mode %q", file, l.LogDriver, l.Options["mode"])
		}
		for _, option := range []string{"awslogs-group", "awslogs-region", "awslogs-stream-prefix"} {
			if l.Options[option] == "" {
				t.Errorf("%s: Fargate needs the log option %s", file, option)
			}
		}
	}
}

func TestTheStopTimeoutLeavesRoomForTheWriteUnderWay(t *testing.T) {
	for _, file := range taskDefinitions {
		if got := parse[taskDefinition](t, file).ContainerDefinitions[0].StopTimeout; got <= 10 {
			t.Errorf("%s: stopTimeout is %d s, and the daemon may take 10 s", file, got)
		}
	}
}

func TestTheTwoTaskDefinitionsDifferInTheVolumeOnly(t *testing.T) {
	plain, efs := parse[taskDefinition](t, taskDefinitions[0]), parse[taskDefinition](t, taskDefinitions[1])
	e := efs.Volumes[0].EFSVolumeConfiguration
	if plain.Volumes[0].EFSVolumeConfiguration != nil || e == nil {
		t.Fatal("the second one, and only that, mounts EFS")
	}
	if e.TransitEncryption != "ENABLED" || e.AuthorizationConfig.IAM != "ENABLED" {
		t.Errorf("EFS is mounted encrypted and by the task's role: %+v", e)
	}
	efs.Volumes[0].EFSVolumeConfiguration = nil
	if diff := cmp.Diff(plain, efs); diff != "" {
		t.Errorf("beside the volume (-plain +efs):\n%s", diff)
	}
}

func TestTheConfigurationOfTheTaskIsValid(t *testing.T) {
	for _, file := range taskDefinitions {
		i := slices.IndexFunc(parse[taskDefinition](t, file).ContainerDefinitions[0].Environment,
			func(v keyValue) bool { return v.Name == "ECS_AUTOSCALER_CONFIG" })
		if i < 0 {
			t.Fatalf("%s: ECS_AUTOSCALER_CONFIG is not set", file)
		}
		text := parse[taskDefinition](t, file).ContainerDefinitions[0].Environment[i].Value
		c, diagnostics := config.Parse(config.Source{Name: file, Text: []byte(text)}, func(name string) (string, bool) {
			return statePath, name == "STATE_DIRECTORY"
		})
		if len(diagnostics) > 0 || c == nil {
			t.Fatalf("%s: %v", file, diagnostics)
		}
		if got := filepath.ToSlash(filepath.Dir(c.State.Path)); got != statePath {
			t.Errorf("%s: the state is in %s, the volume at %s", file, got, statePath)
		}
	}
}

type service struct {
	Cluster, ServiceName, TaskDefinition, LaunchType, PlatformVersion string
	SchedulingStrategy, AvailabilityZoneRebalancing, PropagateTags    string
	DesiredCount                                                      int
	EnableECSManagedTags, EnableExecuteCommand                        bool
	DeploymentConfiguration                                           struct {
		MinimumHealthyPercent, MaximumPercent int
		DeploymentCircuitBreaker              struct{ Enable, Rollback bool }
	}
	NetworkConfiguration struct {
		AWSVPCConfiguration struct {
			Subnets, SecurityGroups []string
			AssignPublicIP          string
		}
	}
}

func TestTwoCopiesNeverRunAtOnce(t *testing.T) {
	s := parse[service](t, "ecs/service.json")
	d := s.DeploymentConfiguration
	if s.DesiredCount != 1 || d.MinimumHealthyPercent != 0 || d.MaximumPercent != 100 {
		t.Errorf("desired %d, minimum %d %%, maximum %d %%; want 1, 0, 100: the old copy stops before the new one starts",
			s.DesiredCount, d.MinimumHealthyPercent, d.MaximumPercent)
	}
	if s.AvailabilityZoneRebalancing != "DISABLED" {
		t.Error("Availability Zone rebalancing starts a second copy first")
	}
	if family := parse[taskDefinition](t, taskDefinitions[0]).Family; s.TaskDefinition != family {
		t.Errorf("the service runs %q, the task definition is %q", s.TaskDefinition, family)
	}
}

func TestTheImageFitsTheTaskAndTheModule(t *testing.T) {
	dockerfile := read(t, "../Dockerfile")
	built := regexp.MustCompile(`(?m)^ARG GO_VERSION=(\S+)$`).FindStringSubmatch(dockerfile)
	needed := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(read(t, "../go.mod"))
	if built == nil || version.Compare("go"+built[1], "go"+needed[1]) < 0 {
		t.Errorf("the image is built with Go %v, go.mod needs %v", built, needed)
	}
	for _, line := range []string{
		"FROM scratch",
		"USER 65532:65532",
		`VOLUME ["` + statePath + `"]`,
		"ENV STATE_DIRECTORY=" + statePath,
		`ENTRYPOINT ["/ecs-autoscaler"]`,
		`CMD ["run"]`,
	} {
		if !strings.Contains(dockerfile, "\n"+line+"\n") {
			t.Errorf("the Dockerfile has no line %q", line)
		}
	}
}

func TestTheUnitStartsThisReleaseAndNothingMore(t *testing.T) {
	unit := "\n" + read(t, "systemd/ecs-autoscaler.service")
	for _, line := range []string{
		"Type=exec",
		"ExecStart=/usr/bin/ecs-autoscaler run --config /etc/ecs-autoscaler/ecs-autoscaler.yaml",
		"ExecReload=/bin/kill -HUP $MAINPID",
		"Restart=on-failure",
		"DynamicUser=yes",
		"StateDirectory=ecs-autoscaler",
		"RuntimeDirectory=ecs-autoscaler",
		"RuntimeDirectoryMode=0700",
		"ConfigurationDirectory=ecs-autoscaler",
		"EnvironmentFile=-/etc/ecs-autoscaler/environment",
		"TimeoutStopSec=15",
	} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("the unit has no line %q", line)
		}
	}
	for _, claim := range []string{"Type=notify", "WatchdogSec", "NotifyAccess"} {
		if strings.Contains(unit, claim) {
			t.Errorf("%s: the daemon does not speak sd_notify", claim)
		}
	}
}
