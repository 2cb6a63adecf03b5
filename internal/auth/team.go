package auth

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// Team reads one team; store.ErrNotFound if there is none.
func (s *Service) Team(ctx context.Context, id timeline.TeamID) (*Team, error) {
	var t Team
	if err := s.store.C(store.Teams).One(ctx, bson.D{{Key: "_id", Value: string(id)}}, &t); err != nil {
		return nil, fmt.Errorf("auth: reading a team: %w", err)
	}
	return &t, nil
}

// Teams reads every team, the oldest first. There are few.
func (s *Service) Teams(ctx context.Context) ([]Team, error) {
	list := []Team{}
	err := s.store.C(store.Teams).All(ctx, bson.D{}, &list, store.Find{Sort: bson.D{{Key: "_id", Value: 1}}})
	if err != nil {
		return nil, fmt.Errorf("auth: reading teams: %w", err)
	}
	return list, nil
}

// CreateTeam adds a team.
func (s *Service) CreateTeam(ctx context.Context, name string) (*Team, error) {
	t := &Team{ID: timeline.TeamID(s.newID()), Name: strings.TrimSpace(name), CreatedAt: s.now()}
	t.Color = color(string(t.ID))
	if err := checkTeam(t.Name); err != nil {
		return nil, err
	}
	if err := s.store.C(store.Teams).Insert(ctx, t); err != nil {
		return nil, fmt.Errorf("auth: adding a team: %w", err)
	}
	return t, nil
}

// RenameTeam changes a team's name.
func (s *Service) RenameTeam(ctx context.Context, id timeline.TeamID, name string) (*Team, error) {
	name = strings.TrimSpace(name)
	if err := checkTeam(name); err != nil {
		return nil, err
	}
	var t Team
	err := s.store.C(store.Teams).Modify(ctx, bson.D{{Key: "_id", Value: string(id)}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "name", Value: name}}}}, false, &t)
	if err != nil {
		return nil, fmt.Errorf("auth: renaming a team: %w", err)
	}
	return &t, nil
}

// RemoveTeam removes a team and takes every agent out of it. Conversations keep its id and
// stay visible to those who see all.
func (s *Service) RemoveTeam(ctx context.Context, id timeline.TeamID) error {
	if _, err := s.Team(ctx, id); err != nil {
		return err
	}
	agents, err := s.Agents(ctx)
	if err != nil {
		return err
	}
	for _, a := range agents {
		_, err := s.store.C(store.Agents).Update(ctx, bson.D{{Key: "_id", Value: string(a.ID)}},
			bson.D{{Key: "$pull", Value: bson.D{{Key: "teams", Value: string(id)}}}})
		if err != nil {
			return fmt.Errorf("auth: leaving a team: %w", err)
		}
	}
	if _, err := s.store.C(store.Teams).Delete(ctx, bson.D{{Key: "_id", Value: string(id)}}); err != nil {
		return fmt.Errorf("auth: removing a team: %w", err)
	}
	return nil
}

func checkTeam(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > 100 {
		return FieldErrors{{"name", "use 1 to 100 characters"}}
	}
	return nil
}
