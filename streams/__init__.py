"""From Kafka to decisions and back to Kafka: transport, worker, lanes and the local broker."""
