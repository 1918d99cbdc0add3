package daemon

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// The toolkit may find the file empty while it is being written, and a moment later it is whole: the password is looked at again.
func TestARequestThatCameByWhileTheFileWasWrittenIsNotAnswered(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("right"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "web.yaml")
	if err := os.WriteFile(path, []byte("basic_auth_users: {a: "+string(hash)+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := readWebConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	handler := w.keep(path, slog.New(slog.DiscardHandler), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, c := range []struct {
		user, password string
		want           int
	}{{"a", "right", 200}, {"a", "wrong", 500}, {"", "", 500}, {"b", "right", 500}, {"a", "right", 200}} {
		r, answer := httptest.NewRequest(http.MethodGet, "/", http.NoBody), httptest.NewRecorder()
		r.SetBasicAuth(c.user, c.password)
		if handler.ServeHTTP(answer, r); answer.Code != c.want {
			t.Errorf("%s with %q is answered %d, want %d", c.user, c.password, answer.Code, c.want)
		}
	}
}
