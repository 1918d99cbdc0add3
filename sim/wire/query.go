package wire

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// stsVersion is the version of STS that Query requests name.
const stsVersion = "2011-06-15"

// decodeQuery reads the form of the Query protocol: every member is text.
func decodeQuery(body []byte) (map[string]any, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	members := make(map[string]any, len(form))
	for name := range form {
		members[name] = form.Get(name)
	}
	return members, nil
}

// named takes the operation out of a decoded form.
func (r *Request) named() *Error {
	in := In(r.Input)
	if r.Operation = in.Text("Action"); in.Text("Version") != stsVersion {
		return &Error{Status: http.StatusNotFound, Code: "InvalidAction",
			Message: "the simulated region speaks the Query protocol for STS only, version " + stsVersion}
	}
	delete(r.Input, "Action")
	delete(r.Input, "Version")
	return nil
}

// queryAnswer is the XML of an answer.
func (r *Request) queryAnswer(id string, output any) []byte {
	return []byte("<" + r.Operation + `Response xmlns="https://sts.amazonaws.com/doc/` + stsVersion + `/"><` + r.Operation + "Result>" + members(output) + "</" + r.Operation + "Result>" +
		"<ResponseMetadata>" + element("RequestId", id) + "</ResponseMetadata></" + r.Operation + "Response>")
}

// queryError is the XML of an error.
func queryError(id, code string, e *Error) []byte {
	kind := "Sender"
	if e.Status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	return []byte(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/` + stsVersion + `/"><Error>` + element("Type", kind) + element("Code", code) +
		element("Message", e.Message) + "</Error>" + element("RequestId", id) + "</ErrorResponse>")
}

// members writes a structure of structures, texts, whole numbers and times.
func members(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	var b strings.Builder
	for _, name := range sortedKeys(m, nil) {
		switch v := m[name].(type) {
		case map[string]any:
			b.WriteString("<" + name + ">" + members(v) + "</" + name + ">")
		case string:
			b.WriteString(element(name, v))
		case time.Time:
			b.WriteString(element(name, v.UTC().Format(time.RFC3339)))
		default:
			b.WriteString(element(name, string(AppendJSON(nil, v))))
		}
	}
	return b.String()
}

func element(name, text string) string {
	var b strings.Builder
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(&b, []byte(text)) // a builder takes everything
	b.WriteString("</" + name + ">")
	return b.String()
}
