package observe

import (
	"strconv"
	"strings"
)

// Name says which metric an entry is, in the words of CloudWatch, for logs and errors.
func (e *Entry) Name() string {
	m := &e.metric
	if len(m.Queries) > 0 {
		for i := range m.Queries {
			if m.Queries[i].ReturnData {
				return "metric math " + strconv.Quote(m.Queries[i].Expression)
			}
		}
	}
	parts := make([]string, len(m.Dimensions))
	for i, d := range m.Dimensions {
		parts[i] = d.Name + "=" + d.Value
	}
	return m.Namespace + " " + m.MetricName + " {" + strings.Join(parts, ", ") + "}"
}
