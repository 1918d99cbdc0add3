package web

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

const (
	// minToken is the least length of a token. What openssl rand -hex 32 makes has 64.
	minToken = 16
	// maxTokenFile bounds what is read of a token file, in bytes.
	maxTokenFile = 64 << 10
)

// TokenFile is a file of tokens, one a line; empty lines and those that begin with # do not count. It is read at each
// use, so that tokens are changed by changing the file: a new one is added, clients are moved to it, the old one removed.
type TokenFile struct {
	// Path is where the file is.
	Path string
	// Credential says that systemd keeps the file ($CREDENTIALS_DIRECTORY). Its mode shows the mask of an access
	// control list as permissions of the group, whom the list does not let in.
	Credential bool
}

// Tokens reads the file. Its errors name the file and say what is right, and never show a token.
func (f TokenFile) Tokens() ([]string, error) {
	text, err := f.read()
	if err != nil {
		return nil, err
	}
	var tokens []string
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := plausible(line); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", f.Path, i+1, err)
		}
		tokens = append(tokens, line)
	}
	if len(tokens) == 0 {
		return nil, fmt.Errorf("%s has no token; write one of at least %d characters into it, for example what openssl rand -hex 32 prints", f.Path, minToken)
	}
	return tokens, nil
}

// plausible refuses what is too easily guessed, or cannot be sent in a header.
func plausible(token string) error {
	if len(token) < minToken {
		return fmt.Errorf("the token is too short; a token has at least %d characters, for example what openssl rand -hex 32 prints", minToken)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("a token has only visible ASCII characters, no blanks; there is one token a line")
	}
	return nil
}

func (f TokenFile) read() (string, error) {
	// A directory, or a named pipe that nobody writes to, must not be waited for.
	info, err := os.Stat(f.Path)
	if err == nil && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file; name a file with one token a line", f.Path)
	}
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w; make it with (umask 077; openssl rand -hex 32 > %s) and let the daemon's user own it", f.Path, reasonOf(err), f.Path)
	}
	closed := fs.FileMode(0o077)
	if f.Credential {
		closed = 0o007
	}
	if mode := info.Mode().Perm(); mode&closed != 0 {
		return "", fmt.Errorf("%s has mode %04o, so that others than its owner can use the tokens in it; chmod 600 %s", f.Path, mode, f.Path)
	}
	file, err := os.Open(f.Path)
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w; let the daemon's user own it", f.Path, reasonOf(err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenFile+1))
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", f.Path, reasonOf(err))
	}
	if len(text) > maxTokenFile {
		return "", fmt.Errorf("%s has more than %d bytes; it holds one token a line and nothing else", f.Path, maxTokenFile)
	}
	return string(bytes.TrimPrefix(text, []byte("\ufeff"))), nil
}

// reasonOf leaves out the operation and path that the message already has.
func reasonOf(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// anyOf compares in a time that tells nothing about the tokens: all of them are compared, by hashes of one length.
func anyOf(presented string, tokens []string) bool {
	want := sha256.Sum256([]byte(presented))
	found := 0
	for _, t := range tokens {
		have := sha256.Sum256([]byte(t))
		found |= subtle.ConstantTimeCompare(want[:], have[:])
	}
	return found == 1
}
