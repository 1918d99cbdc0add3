package described

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// Name is a member of the API or a property of CloudFormation as Terraform and the configuration write it: MinCapacity is
// min_capacity.
func Name(member string) string {
	var out strings.Builder
	letters := []rune(member)
	for i, r := range letters {
		if unicode.IsUpper(r) && i > 0 {
			ends := unicode.IsUpper(letters[i-1]) && i+1 < len(letters) && unicode.IsLower(letters[i+1])
			if !unicode.IsUpper(letters[i-1]) || ends {
				out.WriteByte('_')
			}
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

// OfAPI is a structure of the API: mappings of members, lists, texts, truth values, and numbers as json.Number. What is nil is
// nothing.
func OfAPI(v any) Value {
	switch v := v.(type) {
	case nil:
		return Value{}
	case map[string]any:
		fields := map[string]Value{}
		for member, inner := range v {
			fields[Name(member)] = OfAPI(inner)
		}
		return Mapping(fields)
	case []any:
		all := make([]Value, len(v))
		for i, inner := range v {
			all[i] = OfAPI(inner)
		}
		return List(all...)
	case json.Number:
		return Text(v.String())
	default:
		return Text(fmt.Sprint(v))
	}
}
