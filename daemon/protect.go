package daemon

import (
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// protection is what the web configuration file asked for when the daemon started. The toolkit takes the file as it finds it
// at each request, and a file that has been emptied, or is just being written, asks for nothing: so what was asked for is
// looked at once more behind the toolkit, and what is missing is not answered.
type protection struct {
	path                       string
	encrypted, mutual, secrets bool
	logger                     *slog.Logger
	next                       http.Handler

	mu sync.Mutex
	// known is what each user was last let in with: bcrypt is slow by design.
	known map[string][sha256.Size]byte
}

// keep makes a handler that answers nothing without the protection that w has.
func (w *webConfig) keep(path string, logger *slog.Logger, next http.Handler) http.Handler {
	if !w.protects() {
		return next
	}
	return &protection{
		path: path, encrypted: w.encrypted(), mutual: w.mutual(), secrets: len(w.Users) > 0,
		logger: logger, next: next, known: map[string][sha256.Size]byte{},
	}
}

// What a request lacks that it had to have when the daemon started.
var (
	errNotEncrypted = errors.New("the connection has no TLS")
	errNotMutual    = errors.New("the connection has no client certificate that was verified (client_auth_type: RequireAndVerifyClientCert)")
	errNoUsers      = errors.New("there are no basic_auth_users in it")
	errNotLetIn     = errors.New("a request came by without a password while it was being changed")
)

// ServeHTTP answers 500 to what the toolkit has let in without the protection.
func (p *protection) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if err := p.missing(r); err != nil {
		p.logger.Error("nothing is answered: the web configuration file asked for more when the daemon started; correct it, "+
			"or restart the daemon if less is meant", "file", p.path, "err", err.Error())
		http.Error(rw, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	p.next.ServeHTTP(rw, r)
}

func (p *protection) missing(r *http.Request) error {
	switch {
	case p.encrypted && r.TLS == nil:
		return errNotEncrypted
	case p.mutual && len(r.TLS.VerifiedChains) == 0:
		return errNotMutual
	case !p.secrets:
		return nil
	}
	w := &webConfig{}
	if err := w.read(p.path); err != nil && !errors.Is(err, io.EOF) {
		return discreetError{err}
	}
	if len(w.Users) == 0 {
		return errNoUsers
	}
	user, password, _ := r.BasicAuth()
	if hash, known := w.Users[user]; !known || !p.matches(user, hash, password) {
		return errNotLetIn
	}
	return nil
}

// matches says that the hash is of the password.
func (p *protection) matches(user, hash, password string) bool {
	presented := sha256.Sum256([]byte(hash + "\x00" + password))
	p.mu.Lock()
	defer p.mu.Unlock() // also while it is computed: guesses take one core and no more
	if p.known[user] == presented {
		return true
	}
	if bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) != nil {
		return false
	}
	p.known[user] = presented
	return true
}
