import { AggregationTemporality, InstrumentType, MetricReader } from '@opentelemetry/sdk-metrics'

/** Reads metrics when it is asked to, and never by itself. */
export class ScrapeReader extends MetricReader {
  constructor() {
    super({ aggregationTemporalitySelector: temporalityOf })
  }

  protected override async onForceFlush(): Promise<void> {}

  protected override async onShutdown(): Promise<void> {}
}

/**
 * Counters and histograms add up since the start. What is observed is shown as of this scrape alone: added up, a queue
 * that is gone or cannot be read would keep its last values for ever.
 */
function temporalityOf(type: InstrumentType): AggregationTemporality {
  return type === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE
}
