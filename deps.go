//go:build deps

package parley

import (
	_ "github.com/andybalholm/brotli"
	_ "github.com/danielgtaylor/huma/v2/adapters/humafiber"
	_ "github.com/fsnotify/fsnotify"
	_ "github.com/gofiber/contrib/websocket"
	_ "github.com/gofiber/fiber/v2"
	_ "github.com/golang-jwt/jwt/v5"
	_ "github.com/oklog/ulid/v2"
	_ "github.com/pquerna/otp/totp"
	_ "github.com/prometheus/client_golang/prometheus/promhttp"
	_ "github.com/segmentio/kafka-go"
	_ "github.com/twmb/franz-go/pkg/kfake"
	_ "go.mongodb.org/mongo-driver/v2/mongo"
	_ "go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	_ "go.opentelemetry.io/otel/sdk/trace"
	_ "go.uber.org/goleak"
	_ "golang.org/x/crypto/argon2"
	_ "golang.org/x/image/draw"
	_ "golang.org/x/sync/errgroup"
	_ "modernc.org/sqlite"
	_ "github.com/gorilla/websocket"
	_ "gopkg.in/yaml.v3"
)
