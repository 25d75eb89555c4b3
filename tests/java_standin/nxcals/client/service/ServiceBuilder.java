package ROOT.client.service;


public final class ServiceBuilder {
    private ServiceBuilder() {}

    public static ServiceBuilder getInstance() {
        return new ServiceBuilder();
    }

    public MetaDataService createMetaService() {
        return new MetaDataService();
    }

    public TimeseriesDataService createTimeseriesService() {
        return new TimeseriesDataService();
    }

    public LHCFillDataService createLHCFillService() {
        return new LHCFillDataService();
    }

    public QuerySnapshotDataService createQuerySnapshotDataService() {
        return new QuerySnapshotDataService();
    }
}
