package api

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/timeline"
)

// The description lists the values of the vocabulary's enumerations. Their types live where
// no framework is known, so these stand for them.
type (
	kindEnum       struct{}
	directionEnum  struct{}
	actorEnum      struct{}
	stateEnum      struct{}
	deliveryEnum   struct{}
	healthEnum     struct{}
	scopeEnum      struct{}
	permissionEnum struct{}
)

func (kindEnum) Schema(huma.Registry) *huma.Schema { return enum(timeline.Kinds) }
func (directionEnum) Schema(huma.Registry) *huma.Schema {
	return enum([]timeline.Direction{timeline.In, timeline.Out, timeline.Internal})
}
func (actorEnum) Schema(huma.Registry) *huma.Schema {
	return enum([]timeline.ActorKind{timeline.ActorCustomer, timeline.ActorAgent, timeline.ActorAssistant, timeline.ActorRule,
		timeline.ActorSystem, timeline.ActorExternal})
}
func (stateEnum) Schema(huma.Registry) *huma.Schema    { return enum(timeline.States) }
func (deliveryEnum) Schema(huma.Registry) *huma.Schema { return enum(timeline.DeliveryStates) }
func (healthEnum) Schema(huma.Registry) *huma.Schema {
	return enum([]channels.HealthState{channels.Green, channels.Amber, channels.Red})
}
func (scopeEnum) Schema(huma.Registry) *huma.Schema { return enum(auth.Scopes) }
func (permissionEnum) Schema(huma.Registry) *huma.Schema {
	list := make([]auth.Permission, 0, len(auth.Permissions))
	for _, p := range auth.Permissions {
		list = append(list, p.Name)
	}
	return enum(list)
}

func enum[T ~string](values []T) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, v := range values {
		s.Enum = append(s.Enum, string(v))
	}
	s.PrecomputeMessages()
	return s
}

// schemas is the registry of the description's schemas.
func schemas() huma.Registry {
	r := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	r.RegisterTypeAlias(reflect.TypeFor[timeline.Kind](), reflect.TypeFor[kindEnum]())
	r.RegisterTypeAlias(reflect.TypeFor[timeline.Direction](), reflect.TypeFor[directionEnum]())
	r.RegisterTypeAlias(reflect.TypeFor[timeline.ActorKind](), reflect.TypeFor[actorEnum]())
	r.RegisterTypeAlias(reflect.TypeFor[timeline.State](), reflect.TypeFor[stateEnum]())
	r.RegisterTypeAlias(reflect.TypeFor[timeline.DeliveryState](), reflect.TypeFor[deliveryEnum]())
	r.RegisterTypeAlias(reflect.TypeFor[channels.HealthState](), reflect.TypeFor[healthEnum]())
	r.RegisterTypeAlias(reflect.TypeFor[auth.Permission](), reflect.TypeFor[permissionEnum]())
	r.RegisterTypeAlias(reflect.TypeFor[auth.Scope](), reflect.TypeFor[scopeEnum]())
	return r
}
