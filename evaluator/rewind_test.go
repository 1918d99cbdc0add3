package evaluator

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// fill sets every instant below v, with one element in each list and something behind each pointer, and counts them.
func fill(v reflect.Value, at time.Time) (n int) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(at))
		return 1
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem(), at)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return fill(v.Index(0), at)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				n += fill(v.Field(i), at)
			}
		}
	default:
	}
	return n
}

func TestInstantsAreAllThatAMemoryHas(t *testing.T) {
	var m Memory
	n := fill(reflect.ValueOf(&m).Elem(), noon)
	all := m.Instants()
	if len(all) != n {
		t.Errorf("%d of %d instants are known", len(all), n)
	}
	text, err := json.Marshal(&m)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[*time.Time]bool{}
	for _, i := range all {
		if seen[i.At] || !i.At.Equal(noon) {
			t.Errorf("%s is %s, or there twice", i.Path, i.At)
		}
		seen[i.At] = true
	}
	if t.Failed() {
		t.Log(string(text))
	}
}

func TestWhatLiesFarAheadIsTakenForNow(t *testing.T) {
	p := tracking("cpu", 50)
	for _, test := range []struct {
		name       string
		ahead      time.Duration
		tolerated  time.Duration
		news       bool
		wantBefore time.Duration
	}{
		{"the past stays", -time.Hour, 0, false, -time.Hour},
		{"now stays", 0, 0, false, 0},
		{"a second ahead becomes now", time.Second, 0, true, 0},
		{"a day ahead is tolerated", MostAhead, MostAhead, false, MostAhead},
		{"more than a day is not", MostAhead + time.Second, MostAhead, true, 0},
		{"years are not", 5 * 365 * 24 * time.Hour, MostAhead, true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t, 1, 10, p)
			fill(reflect.ValueOf(s.m).Elem(), noon.Add(test.ahead))
			if got := s.m.Rewind(s.target, noon, test.tolerated); got != test.news {
				t.Errorf("news %v, want %v", got, test.news)
			}
			for _, i := range s.m.Instants() {
				if want := noon.Add(test.wantBefore); !i.At.Equal(want) {
					t.Errorf("%s is %s, want %s", i.Path, i.At, want)
				}
			}
		})
	}
}
