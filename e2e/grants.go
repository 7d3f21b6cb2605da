package e2e

import (
	"context"
	"errors"
	"sync"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

var errNoGrant = errors.New("no such grant")

// grants keeps every grant: go-oidc's own store keeps the last hundred.
type grants struct {
	mu   sync.Mutex
	byID map[string]*goidc.GrantSession
}

func (g *grants) Save(_ context.Context, s *goidc.GrantSession) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byID == nil {
		g.byID = map[string]*goidc.GrantSession{}
	}
	g.byID[s.ID] = s
	return nil
}

func (g *grants) find(match func(*goidc.GrantSession) bool) (*goidc.GrantSession, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.byID {
		if match(s) {
			return s, nil
		}
	}
	return nil, errNoGrant
}

func (g *grants) SessionByTokenID(_ context.Context, id string) (*goidc.GrantSession, error) {
	return g.find(func(s *goidc.GrantSession) bool { return s.TokenID == id })
}

func (g *grants) SessionByRefreshTokenID(_ context.Context, id string) (*goidc.GrantSession, error) {
	return g.find(func(s *goidc.GrantSession) bool { return s.RefreshTokenID == id })
}

func (g *grants) Delete(_ context.Context, id string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.byID, id)
	return nil
}

func (g *grants) DeleteByAuthCode(ctx context.Context, code string) error {
	s, err := g.find(func(s *goidc.GrantSession) bool { return s.AuthCode == code })
	if err != nil {
		return nil
	}
	return g.Delete(ctx, s.ID)
}
