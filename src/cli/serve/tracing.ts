/** Traces by OTLP over HTTP, where the usual OTEL_ variables say where to; elsewhere nothing is traced. */
import { Config, ConfigProvider, Effect, Layer } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import { version } from "../version.ts"

const serialization = Layer.unwrap(
  Effect.map(
    Effect.orDie(
      Config.String("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL").pipe(
        Config.orElse(() => Config.String("OTEL_EXPORTER_OTLP_PROTOCOL")),
        Config.withDefault("http/protobuf")
      )
    ),
    (protocol) => protocol === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf
  )
)

const tracer = OtlpTracer.layerFromConfig({ resource: { serviceName: "ocilayout", serviceVersion: version } }).pipe(
  Layer.provide([serialization, FetchHttpClient.layer])
)

/** That traces go by OTLP is what OpenTelemetry takes for granted; Effect wants to be told. */
const byOtlp = ConfigProvider.fromUnknown({ OTEL_TRACES_EXPORTER: "otlp" })

export const tracing = Layer.unwrap(
  Effect.map(
    ConfigProvider.ConfigProvider,
    (provider) => Layer.provide(tracer, ConfigProvider.layer(ConfigProvider.orElse(provider, byOtlp)))
  )
)
