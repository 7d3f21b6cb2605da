package filter

import (
	"strconv"
	"strings"

	"holdfast/dpop"
	"holdfast/filter/config"
	"holdfast/session"
)

// secrets is what the VM's environment adds to a configuration, which holds only
// the names of its variables.
type secrets struct {
	clients  []*client // by issuer; nil for one without introspection
	sessions *sessions // nil without "session"
	nonces   *nonces   // nil unless DPoP proofs need one
}

// readSecrets resolves the variables. One that is missing or of no use is a problem
// of the configuration: the error is [config.Problems]. No text ever holds a value.
func readSecrets(host Host, c *config.Config) (secrets, error) {
	r := secretReader{host: host}
	s := secrets{clients: make([]*client, len(c.Issuers))}
	for i := range c.Issuers {
		if introspection := c.Issuers[i].Introspection; introspection != nil {
			s.clients[i] = r.client(introspection, "issuers["+strconv.Itoa(i)+"].introspection.")
		}
	}
	if c.Session != nil {
		s.sessions = &sessions{host: host, settings: c.Session, keys: r.session(c.Session, "session.key_env")}
	}
	if d := c.Binding.DPoP; d != nil && d.NonceKeyEnv != "" {
		s.nonces = &nonces{keys: r.nonces(d.NonceKeyEnv, "proof_of_possession.dpop.nonce_key_env"), lifetime: d.NonceLifetime, skew: d.ClockSkew}
	}
	if len(r.problems) > 0 {
		return secrets{}, r.problems
	}
	return s, nil
}

type secretReader struct {
	host     Host
	problems config.Problems
}

// get returns the value of a variable; path is the setting that names it. The
// problem leaves the name out: somebody may have put the secret itself there.
func (r *secretReader) get(name, path string) (value string, ok bool) {
	value, ok = r.host.Env(name)
	value = strings.TrimRight(value, "\r\n") // of the file that it was read from
	if ok = ok && value != ""; !ok {
		r.problem(path, "names a variable that the environment of the VM does not have, or that is empty")
	}
	return value, ok
}

func (r *secretReader) problem(path, text string) {
	r.problems = append(r.problems, config.Problem{Path: path, Text: text})
}

// client resolves the credentials of an issuer's introspection.
func (r *secretReader) client(s *config.Introspection, path string) *client {
	secret, key, ok := s.Client.Secret, "", true
	switch {
	case s.Client.SecretEnv != "":
		secret, ok = r.get(s.Client.SecretEnv, path+"client_secret_env")
	case s.Client.KeyEnv != "":
		key, ok = r.get(s.Client.KeyEnv, path+"private_key_env")
	}
	if !ok {
		return nil
	}
	c, err := newClient(r.host, s, secret, key)
	if err != nil {
		r.problem(path+"private_key_env", err.Error())
	}
	return c
}

// session resolves the keys that seal cookies.
func (r *secretReader) session(s *config.Session, path string) *session.Keys {
	list, ok := r.get(s.KeyEnv, path)
	if !ok {
		return nil
	}
	keys, err := session.ParseKeys(list)
	if err != nil {
		r.problem(path, err.Error())
	}
	return keys
}

// nonces resolves the keys that authenticate DPoP nonces.
func (r *secretReader) nonces(name, path string) *dpop.NonceKeys {
	list, ok := r.get(name, path)
	if !ok {
		return nil
	}
	keys, err := dpop.ParseKeys(list)
	if err != nil {
		r.problem(path, err.Error())
	}
	return keys
}
