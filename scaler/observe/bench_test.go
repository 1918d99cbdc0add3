package observe

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go/encoding/cbor"

	"ecs-autoscaler/evaluator"
)

// prebuilt answers GetMetricData on the wire protocol with bodies made beforehand, found by the first
// query's id in the request.
type prebuilt struct{ answers map[string][]byte }

func (p *prebuilt) RoundTrip(r *http.Request) (*http.Response, error) {
	request, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	body := p.answers[firstID(request)]
	return &http.Response{
		StatusCode: http.StatusOK, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
		Header: http.Header{"Smithy-Protocol": {"rpc-v2-cbor"}, "Content-Type": {"application/cbor"}}, Request: r,
	}, nil
}

// firstID reads the id without decoding the request: a text of CBOR major type 3 behind the key "Id".
func firstID(request []byte) string {
	_, text, ok := bytes.Cut(request, []byte("\x62Id"))
	if !ok {
		return ""
	}
	n := int(text[0] & 0x1f)
	return string(text[1 : 1+n])
}

func answer(ids []string, from, period int64, points int) []byte {
	results := make(cbor.List, len(ids))
	for i, id := range ids {
		timestamps, values := make(cbor.List, points), make(cbor.List, points)
		for k := range points {
			timestamps[k] = &cbor.Tag{ID: 1, Value: cbor.Float64(float64(from + int64(k)*period))}
			values[k] = cbor.Float64(float64(40+i%20) + .25)
		}
		results[i] = cbor.Map{
			"Id": cbor.String(id), "Label": cbor.String("CPUUtilization"), "StatusCode": cbor.String("Complete"),
			"Timestamps": timestamps, "Values": values,
		}
	}
	return cbor.Encode(cbor.Map{"MetricDataResults": results})
}

func fleet(m *Metrics, services, buckets int) []*Entry {
	var entries []*Entry
	for i := range services {
		for _, name := range []string{"CPUUtilization", "MemoryUtilization"} {
			entries = append(entries, m.Track(evaluator.Metric{
				Namespace: "AWS/ECS", MetricName: name, Stat: "Average", Period: 60,
				Dimensions: []evaluator.Dimension{
					{Name: "ClusterName", Value: "production"},
					{Name: "ServiceName", Value: "service-" + strconv.Itoa(i)},
				},
			}, buckets))
		}
	}
	return entries
}

// kept keeps the inputs that Read makes, so that the SDK alone can be given the same.
type kept struct {
	CloudWatchAPI
	mu     sync.Mutex
	inputs []*cloudwatch.GetMetricDataInput
}

func (k *kept) GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput, o ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	own := *in
	own.MetricDataQueries = append(own.MetricDataQueries[:0:0], in.MetricDataQueries...)
	k.mu.Lock()
	k.inputs = append(k.inputs, &own)
	k.mu.Unlock()
	return k.CloudWatchAPI.GetMetricData(ctx, in, o...)
}

// BenchmarkRead20000 is a steady pass over 10,000 services with two metrics each, and the same 40 calls
// through the SDK alone, which see the same bytes. "Ratio" takes turns between the two and compares
// processor time, so that whatever else the machine does falls on both.
func BenchmarkRead20000(b *testing.B) {
	now := time.Unix(1_800_000_000, 0).Truncate(time.Minute).Add(7 * time.Second)
	wire := &prebuilt{answers: map[string][]byte{}}
	client := cloudwatch.New(cloudwatch.Options{
		Region: "eu-west-2", HTTPClient: &http.Client{Transport: wire},
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
	})
	keep := &kept{CloudWatchAPI: client}
	m := NewMetrics(keep, MetricsOptions{Delay: -1, InFlight: 1})
	entries := fleet(m, 10_000, 22)
	end := closedEnd(now, 60)
	read := func() {
		if rep := m.Read(b.Context(), now, entries); rep.Requests != 40 || len(rep.Problems) > 0 {
			b.Fatalf("%d requests with %d problems, want 40 without", rep.Requests, len(rep.Problems))
		}
	}
	prepare(wire, entries, end-22*60, 22)
	read()
	prepare(wire, entries, end-5*60, 5)
	keep.inputs = nil
	read()
	m.api = client
	alone := func() {
		for _, in := range keep.inputs {
			if _, err := client.GetMetricData(b.Context(), in); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("sdk alone", func(b *testing.B) { run(b, alone) })
	b.Run("Read", func(b *testing.B) { run(b, read) })
	b.Run("Ratio", func(b *testing.B) {
		var ours, theirs time.Duration
		for b.Loop() {
			theirs += used(alone)
			ours += used(read)
		}
		b.ReportMetric(float64(ours)/float64(theirs), "Read/sdk")
	})
}

func run(b *testing.B, pass func()) {
	b.ReportAllocs()
	var cpu time.Duration
	for b.Loop() {
		cpu += used(pass)
	}
	b.ReportMetric(float64(cpu.Microseconds())/float64(b.N)/1000, "cpu-ms/op")
}

// used is the processor time of this process, collecting garbage included, that a function takes.
func used(f func()) time.Duration {
	before := processorTime()
	f()
	return processorTime() - before
}

func processorTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err) // cannot fail for one's own process
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func prepare(wire *prebuilt, entries []*Entry, from int64, points int) {
	for i := 0; i < len(entries); i += maxQueries {
		var ids []string
		for _, e := range entries[i:min(i+maxQueries, len(entries))] {
			ids = append(ids, e.id)
		}
		wire.answers[ids[0]] = answer(ids, from, 60, points)
	}
}

func TestAnEntryTakesLittleMemory(t *testing.T) {
	m := NewMetrics(nil, MetricsOptions{Delay: -1})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	entries := fleet(m, 2_000, 22)
	runtime.GC()
	runtime.ReadMemStats(&after)
	perService := (after.HeapAlloc - before.HeapAlloc) / 2_000
	if perService > 4096 {
		t.Errorf("a service with two metrics takes %d bytes, want at most 4096", perService)
	}
	t.Logf("%d bytes a service, %d entries", perService, len(entries))
	runtime.KeepAlive(m)
	if !strings.HasPrefix(entries[0].id, "q") {
		t.Errorf("id %q does not begin with a lower-case letter", entries[0].id)
	}
}
