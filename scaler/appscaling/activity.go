package appscaling

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"ecs-autoscaler/scaler/awsapi"
)

// Activity is a scaling activity as Application Auto Scaling tells of it (API ScalingActivity), with what its texts say in numbers
// (aws-semantics 6.2 and 6.3).
type Activity struct {
	ID          string `json:"activity_id"`
	Description string `json:"description"`
	Cause       string `json:"cause"`
	// Policy is the scaling policy of the cause, empty where the bounds or a scheduled action are the cause.
	Policy    string    `json:"policy_name,omitempty"`
	StartTime time.Time `json:"start_time"`
	// EndTime is nil while the activity lasts, and of one that did not scale.
	EndTime       *time.Time        `json:"end_time"`
	StatusCode    string            `json:"status_code"`
	StatusMessage string            `json:"status_message"`
	NotScaled     []NotScaledReason `json:"not_scaled_reasons,omitempty"`
	// From is the desired count before it, as far as the activities before it tell, and To the one that it set, or left where it did
	// not scale; nil is not known. What others did to the count in between is in no activity.
	From *int `json:"from"`
	To   *int `json:"to"`
}

// NotScaledReason says why an activity did not scale, with the capacity that explains it (API NotScaledReason).
type NotScaledReason struct {
	Code    string `json:"code"`
	Max     *int   `json:"max_capacity,omitempty"`
	Min     *int   `json:"min_capacity,omitempty"`
	Current *int   `json:"current_capacity,omitempty"`
}

// Scaled says that the activity set the desired count, or tried to.
func (a *Activity) Scaled() bool {
	return len(a.NotScaled) == 0 && setsCount.MatchString(a.Description)
}

// The texts of AWS that hold numbers and names.
var (
	setsCount  = regexp.MustCompile(`^Setting desired count to (\d+)\b`)
	laterCount = regexp.MustCompile(`Found it was later changed to (\d+)\b`)
	byPolicy   = regexp.MustCompile(`triggered policy (.+)$`)
)

// History is the newest page of a service's scaling activities, at most 50 of the last six weeks, newest first, those that did not
// scale among them. It asks DescribeScalingActivities once; an error names it and, where it is denied, the permission.
func History(ctx context.Context, c *awsapi.Clients, cluster, service string) ([]Activity, error) {
	out, err := c.ApplicationAutoScaling.DescribeScalingActivities(ctx, &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String(resource(cluster, service)), IncludeNotScaledActivities: aws.Bool(true),
	})
	if err != nil {
		return nil, explained(err, "application-autoscaling:DescribeScalingActivities")
	}
	all := make([]Activity, len(out.ScalingActivities))
	for i := range out.ScalingActivities {
		all[i] = activityOf(&out.ScalingActivities[i])
	}
	slices.SortStableFunc(all, func(a, b Activity) int { return b.StartTime.Compare(a.StartTime) })
	for i := range all {
		all[i].From = before(all[i:])
	}
	return all, nil
}

func activityOf(a *types.ScalingActivity) Activity {
	out := Activity{
		ID: aws.ToString(a.ActivityId), Description: aws.ToString(a.Description), Cause: aws.ToString(a.Cause), EndTime: a.EndTime,
		StartTime: aws.ToTime(a.StartTime).UTC(), StatusCode: string(a.StatusCode), StatusMessage: aws.ToString(a.StatusMessage),
	}
	if m := byPolicy.FindStringSubmatch(out.Cause); m != nil {
		out.Policy = m[1]
	}
	for _, r := range a.NotScaledReasons {
		out.NotScaled = append(out.NotScaled,
			NotScaledReason{aws.ToString(r.Code), whole(r.MaxCapacity), whole(r.MinCapacity), whole(r.CurrentCapacity)})
	}
	out.To = number(setsCount, out.Description)
	for _, r := range out.NotScaled {
		for _, n := range []*int{r.Current, r.Min, r.Max} { // at its bound, the count is that
			if n != nil {
				out.To = n
			}
		}
	}
	return out
}

func whole(n *int32) *int {
	if n == nil {
		return nil
	}
	return new(int(*n))
}

// number is what a text says; nil is nothing.
func number(in *regexp.Regexp, text string) *int {
	m := in.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return nil // more digits than any count has
	}
	return &n
}

// before is the desired count that the first of some activities, newest first, found: that which the newest before it has left.
func before(all []Activity) *int {
	first := &all[0]
	if len(first.NotScaled) > 0 && first.To != nil {
		return first.To
	}
	for i := range all[1:] {
		a := &all[1+i]
		later := number(laterCount, a.StatusMessage)
		switch {
		case a.To == nil, a.Scaled() && a.StatusCode == string(types.ScalingActivityStatusCodeFailed): // it left the count as it was
			continue
		case later != nil && (first.To == nil || *later != *first.To): // somebody else has changed it, before the first
			return later
		default:
			return a.To
		}
	}
	return nil
}
