"""InspectionService: looks into what a model does, and changes nothing. Each call is a part of its own."""

from inference_service.rpc.attributing import Attributing
from inference_service.rpc.recovering import Recovering
from inference_service.rpc.scoring import Scoring
from unmask.v1 import inspection_service_pb2_grpc


class InspectionService(Attributing, Scoring, Recovering, inspection_service_pb2_grpc.InspectionServiceServicer):
    pass
