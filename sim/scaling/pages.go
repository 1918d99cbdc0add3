package scaling

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ecs-autoscaler/sim/wire"
)

// filter says what a describe call wants: resource "" is all, names nil is all.
type filter struct {
	resource string
	names    []string
	limit    int
}

func (f *filter) wants(resource, name string) bool {
	return (f.resource == "" || f.resource == resource) && (len(f.names) == 0 || slices.Contains(f.names, name))
}

// filter reads the members that all describe calls have; names is the member with the names, "" if there is none.
func (r *request) filter(names string, limit int) (*filter, *wire.Error) {
	if err := r.namespace(); err != nil {
		return nil, err
	}
	f := &filter{resource: r.In.Text("ResourceId"), limit: limit}
	if names != "" {
		f.names = r.In.Texts(names)
	}
	if dim := r.In.Text("ScalableDimension"); dim != "" && dim != dimension {
		return nil, invalid("Unsupported service namespace, resource type or scalable dimension")
	}
	if r.In.Text("ScalableDimension") != "" && f.resource == "" && names != "ResourceIds" {
		return nil, invalid("If you specify a scalable dimension, you must also specify a resource ID.")
	}
	if len(f.names) > 50 {
		return nil, constraint("'["+strings.Join(f.names, ", ")+"]'", strings.ToLower(names[:1])+names[1:], "Member must have length less than or equal to 50")
	}
	if n := r.In.Int("MaxResults", limit); n < limit {
		f.limit = max(n, 0)
	}
	return f, r.In.Err()
}

// page answers a describe call with as many of the items as its page holds. A token belongs to the call and its filter.
func (r *request) page(output string, items []any, f *filter) (map[string]any, *wire.Error) {
	scope := strings.Join(append([]string{r.Operation, f.resource}, f.names...), "\x00")
	from, ok := resume(scope, r.In.Text("NextToken"), len(items))
	if !ok {
		return nil, reject("InvalidNextTokenException", "Invalid token.")
	}
	to := min(from+f.limit, len(items))
	out := map[string]any{output: items[from:to]}
	if to < len(items) && f.limit > 0 {
		out["NextToken"] = token(scope, to)
	}
	return out, nil
}

func token(scope string, at int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s\x00%d", scope, at))
}

// resume is where a token goes on; false if it is not of that scope.
func resume(scope, token string, n int) (int, bool) {
	if token == "" {
		return 0, true
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	offset, found := strings.CutPrefix(string(text), scope+"\x00")
	from, convErr := strconv.Atoi(offset)
	return from, err == nil && found && convErr == nil && from >= 0 && from <= n
}
