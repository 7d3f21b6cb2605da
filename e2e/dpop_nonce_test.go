package e2e

import (
	"strings"
	"testing"
	"time"

	noncekeys "holdfast/dpop"
)

// nonceOf asserts that an answer brings exactly one nonce and is not kept by caches
// (RFC 9449 §8.2).
func nonceOf(t *testing.T, a *Answer) string {
	t.Helper()
	values := a.Header.Values("dpop-nonce")
	if len(values) != 1 || values[0] == "" {
		t.Fatalf("dpop-nonce: %q, want exactly one", values)
	}
	if got := strings.Join(a.Header.Values("cache-control"), ", "); !strings.Contains(got, "no-store") {
		t.Errorf("cache-control: %q", got)
	}
	return values[0]
}

// getWith is a request with a proof that has this nonce.
func (h *holder) getWith(nonce string) *Answer {
	return h.Get(path, h.authorization(), proofLine(h.proof(path).With(M{"nonce": nonce}).Sign(h.key)))
}

// RFC 9449 §9: a first request learns the nonce, the second passes with it, and
// without one none ever does.
func TestRFC9449_9_NonceRoundTrip(t *testing.T) {
	f := proving.use(t)
	for _, http2 := range []bool{false, true} {
		h := f.holder(t, "nonce", Request{Opaque: http2}, Caller{HTTP2: http2})
		first := h.get(path)
		f.refused(t, first, 401, "use_dpop_nonce")
		challenged(t, first, "DPoP", "use_dpop_nonce", 2)
		nonce := nonceOf(t, first)
		for range 3 { // one nonce is good for many proofs
			a := h.getWith(nonce)
			passed(t, a)
			if got := a.Header.Values("dpop-nonce"); len(got) != 0 {
				t.Errorf("a fresh nonce is renewed: %q", got)
			}
		}
		for name, bad := range map[string]any{
			"none": nil, "empty": "", "invented": "eyJ7S_zG.eyJH0-Z.HX4w-7v", "tampered": tamper(nonce), "longer": nonce + "A", "cut": nonce[:len(nonce)-1], "a number": 1,
		} {
			a := h.Get(path, h.authorization(), proofLine(h.proof(path).With(M{"nonce": bad}).Sign(h.key)))
			f.refused(t, a, 401, "use_dpop_nonce")
			if t.Failed() {
				t.Fatalf("with a nonce that is %s", name)
			}
			passed(t, h.getWith(nonceOf(t, a)))
		}
		// It does not stand in for the rest.
		f.refused(t, h.Get(path, h.authorization(), proofLine(h.proof("/other").With(M{"nonce": nonce}).Sign(h.key))), 401, "invalid_dpop_proof")
	}
}

// A gRPC client learns the nonce as well.
func TestRFC9449_9_NonceForGRPC(t *testing.T) {
	f := proving.use(t)
	h := f.holder(t, "nonce", Request{}, Caller{HTTP2: true})
	call := func(nonce any) *Answer {
		proof := h.key.Proof("POST", Resource+path, h.token).With(M{"nonce": nonce}).Sign(h.key)
		return h.Do(t.Context(), "POST", path, strings.NewReader("\x00\x00\x00\x00\x00"), h.authorization(), proofLine(proof), "content-type: application/grpc", "te: trailers")
	}
	a := call(nil)
	if a.Err != nil || a.Status != 200 || a.Header.Get("grpc-status") != "16" || a.Seen != nil {
		t.Fatalf("got %v with grpc-status %q", describe(a), a.Header.Get("grpc-status"))
	}
	challenged(t, a, "DPoP", "use_dpop_nonce", 2)
	passed(t, call(nonceOf(t, a)))
}

// tamper changes the first character.
func tamper(nonce string) string {
	if nonce[0] == 'A' {
		return "B" + nonce[1:]
	}
	return "A" + nonce[1:]
}

// RFC 9449 §8.2: a good answer brings the next nonce before the old one ends, so
// that a client that goes on is never sent back.
func TestRFC9449_8_2_NonceIsRenewed(t *testing.T) {
	f := proving.use(t)
	h := f.holder(t, "short-nonce", Request{}, Caller{})
	first := nonceOf(t, h.get(path))
	nonce, renewals := first, 0
	began := time.Now()
	for renewals < 2 {
		a := h.getWith(nonce)
		if a.Status != 200 {
			t.Fatalf("after %v and %d renewals got %v", time.Since(began), renewals, describe(a))
		}
		passed(t, a)
		if len(a.Header.Values("dpop-nonce")) > 0 {
			nonce = nonceOf(t, a)
			renewals++
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%d renewals in 20 s", renewals)
		}
		time.Sleep(50 * time.Millisecond)
	}
	eventually(t, "the first nonce ends", func() bool { return h.getWith(first).Status == 401 })
	a := h.getWith(first)
	f.refused(t, a, 401, "use_dpop_nonce")
	passed(t, h.getWith(nonceOf(t, a)))
}

// RFC 9449 §9: nothing is stored, so two Envoys with the same keys take each
// other's nonces, and none that other keys made.
func TestRFC9449_9_ReplicasShareNonces(t *testing.T) {
	f := proving.use(t)
	o := one(dpop(nonceRequired, nil))
	o.Listeners = withNonceKey(o.Listeners...)
	o.PKI = f.PKI
	o.Environment = map[string]string{"HOLDFAST_NONCE_KEY": f.Environment["HOLDFAST_NONCE_KEY"]}
	o.Prepare = func(s *Stack) error {
		s.authAddress = f.Auth.Address // one authorization server for both
		return nil
	}
	replica := start(t, o)
	here := f.holder(t, "nonce", Request{}, Caller{})
	there := &holder{replica.Client(Caller{}), replica, here.key, here.token}
	t.Cleanup(there.Close)
	for range 3 {
		passed(t, there.getWith(nonceOf(t, here.get(path))))
		passed(t, here.getWith(nonceOf(t, there.get(path))))
	}
	other := must(noncekeys.ParseKeys(strings.Repeat("A", 43) + "="))
	foreign := other.Issue(time.Now())
	for _, h := range []*holder{here, there} {
		a := h.getWith(foreign)
		if a.Status != 401 || a.Code() != "use_dpop_nonce" || a.Seen != nil {
			t.Errorf("a nonce of other keys: got %v", describe(a))
		}
	}
	ours := must(noncekeys.ParseKeys(f.Environment["HOLDFAST_NONCE_KEY"]))
	passed(t, here.getWith(ours.Issue(time.Now()))) // else the foreign one has shown nothing
}
